// Package e2e runs the built server against what its users really have: browsers, clients,
// proxies, certificates, and everything that goes wrong.
package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// binary, natsBinary and clientsBinary are the paths of the server, of nats-server and of the clients in
// Go, built once for all tests.
var binary, natsBinary, clientsBinary string

// budgets are how long tests may run that need more than testkit.Budget on a busy machine: most of
// them start browsers, or have hundreds of clients.
var budgets = map[string]time.Duration{
	"TestArchivesHaveTheLicencesOfAllThatIsInThem":                    8 * time.Minute,
	"TestBurstStaysWithinMemory":                                      2 * time.Minute,
	"TestClientGetsFromNATSWhatItsServerNoLongerRetains":              4 * time.Minute,
	"TestClientGetsWhatItLacksAlthoughNATSLosesTheStreamsLeader":      8 * time.Minute,
	"TestClientGetsWhatItLacksOverAnOutageOfNATS":                     3 * time.Minute,
	"TestClientWhoseNetworkGoesSilentIsUnregistered":                  5 * time.Minute,
	"TestClientsAreToldOfWhatTheStreamHasDeleted":                     2 * time.Minute,
	"TestClientsOfAKilledServerResumeAtAnother":                       3 * time.Minute,
	"TestConsoleExampleShowsWhatOthersDoAndTheOwnOnce":                4 * time.Minute,
	"TestConsoleExampleSaysWhatWasMissedAndLoadsTheListAnew":          4 * time.Minute,
	"TestConsoleExampleGivesARoleWhatItMayRead":                       2 * time.Minute,
	"TestClientsThatReadNothingTakeLittleOfWhatTheyLack":              3 * time.Minute,
	"TestClientsWithOldIDsMissAndRepeatNothingWhileEventsCome":        4 * time.Minute,
	"TestCurlIsGuardedOverHTTP1AndHTTP2":                              3 * time.Minute,
	"TestCurlShowsAStreamThatTheGrammarAllows":                        3 * time.Minute,
	"TestDashboardExampleShowsAllPanelsAtOnceAndGoesOnAfterARestart":  4 * time.Minute,
	"TestDashboardExampleShowsThePanelsThatTheURLNames":               3 * time.Minute,
	"TestDocumentsCommandsRunAsWritten":                               5 * time.Minute,
	"TestDrainBehindALoadBalancerIsFeltByNobody":                      2 * time.Minute,
	"TestDrainEndsStreamsOneAfterAnother":                             2 * time.Minute,
	"TestEveryEngineShowsTheStreamAndItsState":                        3 * time.Minute,
	"TestEveryEngineResumesAfterTheServerIsKilled":                    3 * time.Minute,
	"TestEveryEngineShowsTheLastEventsBeforeSIGTERM":                  3 * time.Minute,
	"TestEveryEngineShowsWhereMessagesAreMissing":                     3 * time.Minute,
	"TestEveryEngineGivesTheConnectionBackWhileHidden":                4 * time.Minute,
	"TestEveryEngineHasOneStreamAfterGoingBackAndForward":             3 * time.Minute,
	"TestEveryEngineShowsItsRowsAgainAfterAReload":                    3 * time.Minute,
	"TestEveryEngineHasTwentyStreamsOverHTTP2":                        3 * time.Minute,
	"TestEveryEngineFitsANarrowScreen":                                3 * time.Minute,
	"TestEveryEngineLetsTheReaderLeaveTheEndOfAFastStream":            3 * time.Minute,
	"TestEveryEngineKeepsWhatTheReaderSeesInPlace":                    3 * time.Minute,
	"TestEveryEngineShowsNamedEventsThatTheURLNames":                  3 * time.Minute,
	"TestEveryEngineRunsNoScriptButThePagesOwn":                       3 * time.Minute,
	"TestEveryEngineRunsTheDocumentsClient":                           3 * time.Minute,
	"TestEveryEngineHasNothingToComplainOf":                           3 * time.Minute,
	"TestEveryEngineLogsTheMiniPagesEvents":                           3 * time.Minute,
	"TestEveryEngineKeepsTheFreshRowInTheRoundedCorner":               3 * time.Minute,
	"TestEveryEngineAddsTheSlashThatThePagesPathLacks":                3 * time.Minute,
	"TestEveryEngineLaysTextOutInItsDirection":                        3 * time.Minute,
	"TestEveryEngineOpensAStreamAgainThatHangs":                       5 * time.Minute,
	"TestEveryEngineSaysThatThePageCouldNotStart":                     3 * time.Minute,
	"TestEveryEngineTellsAQuietStreamFromOneThatHangs":                5 * time.Minute,
	"TestEveryEngineShowsTheTopicsThatTheURLNames":                    4 * time.Minute,
	"TestEveryEngineOpensAStreamOfTopicsAgainThatHangs":               4 * time.Minute,
	"TestEveryEngineSaysWhyTopicsAreRefused":                          4 * time.Minute,
	"TestPageOpensAStreamOfTopicsAgainThatTheBrowserHasGivenUp":       2 * time.Minute,
	"TestEveryEventPublishedIsOnEveryStreamOnceAlsoOverSIGTERM":       2 * time.Minute,
	"TestEveryEngineShowsAPrivateTopicByACookie":                      4 * time.Minute,
	"TestEveryEngineSendsCookiesForPagesOfTheOriginsThatAreNamed":     4 * time.Minute,
	"TestStreamsOfAThousandTokensOfOneMinuteGoOnWithNewOnes":          4 * time.Minute,
	"TestEventsArriveAtOnceThroughNATS":                               2 * time.Minute,
	"TestEveryClientGetsEachEventAtOnceAndResumes":                    3 * time.Minute,
	"TestFrameworksShowEachEventAtOnceAndResume":                      3 * time.Minute,
	"TestGuardedAppAnswersNobodyWithoutCredentials":                   3 * time.Minute,
	"TestGuardedAppGivesEachUserTheOwnTopicsWhateverTheURLSays":       3 * time.Minute,
	"TestGuardedStreamEndsWithItsLoginAndResumesWithANewOne":          3 * time.Minute,
	"TestHiddenTabGivesItsConnectionBackAndMissesNothing":             3 * time.Minute,
	"TestHiddenTabSurvivesABurst":                                     2 * time.Minute,
	"TestImageHoldsTheServerAloneAndIsReproducible":                   5 * time.Minute,
	"TestKillAmidPublishersLosesNothingThatWasConfirmed":              2 * time.Minute,
	"TestBackupWhileEventsCome":                                       2 * time.Minute,
	"TestHealthSaysThatTheEventsAreLoaded":                            2 * time.Minute,
	"TestFullDiskRefusesEventsUntilThereIsRoom":                       2 * time.Minute,
	"TestErrorOfTheDiskThatComesOnceLosesNothingThatWasConfirmed":     2 * time.Minute,
	"TestKillUnder500Clients":                                         2 * time.Minute,
	"TestMailExampleShowsEachUserTheOwnMailAlone":                     4 * time.Minute,
	"TestMailExampleEndsTheStreamWithTheSession":                      4 * time.Minute,
	"TestMailExampleTakesNoTopicFromTheURL":                           2 * time.Minute,
	"TestMicroblogExampleReachesAllFollowersAtOnceAndEachOnce":        4 * time.Minute,
	"TestMicroblogExampleFollowsAThousandAuthors":                     3 * time.Minute,
	"TestMicroblogExampleGoesOnForWhoComesBack":                       4 * time.Minute,
	"TestMiniPageLogsEveryEvent":                                      2 * time.Minute,
	"TestMountedBrokerKeepsItsPromises":                               3 * time.Minute,
	"TestNATSLosesOneOfThreeServers":                                  5 * time.Minute,
	"TestNATSWantsTLS":                                                2 * time.Minute,
	"TestNothingStaysOf2000ClientsThatComeAndGo":                      3 * time.Minute,
	"TestPageAddsABurstInParts":                                       2 * time.Minute,
	"TestPageAnnouncesABurstInFewLines":                               2 * time.Minute,
	"TestPageFitsAPhone":                                              3 * time.Minute,
	"TestPageFollowsTheEndOnlyWhileTheReaderIsThere":                  2 * time.Minute,
	"TestPageKnowsMillisecondsFromSeconds":                            2 * time.Minute,
	"TestPageIsReadableInLightAndDark":                                3 * time.Minute,
	"TestPageKeepsTheLast500Rows":                                     2 * time.Minute,
	"TestPageMissesNothingWhenTheConnectionIsLostBeforeTheFirstEvent": 2 * time.Minute,
	"TestPageOpensAStreamAgainThatTheBrowserHasGivenUp":               2 * time.Minute,
	"TestPageSaysThatTheBrowserDoesNotSupportIt":                      2 * time.Minute,
	"TestPageSaysThatTheBrowserRefusesTheStream":                      2 * time.Minute,
	"TestPageSaysThatTheStreamDoesNotOpen":                            2 * time.Minute,
	"TestPageSaysWhyATokenWillNotDo":                                  2 * time.Minute,
	"TestPageSaysWhyEachBadTokenWillNotDo":                            3 * time.Minute,
	"TestPageShowsDataAsText":                                         2 * time.Minute,
	"TestPageShowsEventsWhoseIDsDoNotRise":                            2 * time.Minute,
	"TestPageWorksWhereTheBrowserLacksOrRefuses":                      4 * time.Minute,
	"TestProxiesKeepAPlainEventSourceOverALongRestart":                4 * time.Minute,
	"TestProxiesKeepAStreamOverSilence":                               4 * time.Minute,
	"TestProxiesPassRefusalsOn":                                       4 * time.Minute,
	"TestProxiesPassTheStreamOn":                                      4 * time.Minute,
	"TestReaderCanLeaveTheEndOfAFastStream":                           2 * time.Minute,
	"TestServerResumesClientsFromBeforeItsStart":                      2 * time.Minute,
	"TestServerThatStartsReadsThousandsOfTopicsInTime":                3 * time.Minute,
	"TestServerThatStartsWithALargeStreamKnowsWhatItLacks":            2 * time.Minute,
	"TestServersSpeakAsOne":                                           2 * time.Minute,
	"TestTokensExampleGoesOnWhereTheAnswerIs":                         4 * time.Minute,
	"TestTokensExampleEndsWithAnEventAndForGood":                      3 * time.Minute,
	"TestTokensExampleHasThousandsOfRunsAtOnce":                       4 * time.Minute,
	"TestTenTabsOverHTTPAreCompleteWhenTheyAreSeen":                   3 * time.Minute,
	"TestTwentyTabsOverHTTPSAreLiveAtOnce":                            2 * time.Minute,
}

func TestMain(m *testing.M) {
	os.Exit(testkit.Main(suite{m}, budgets))
}

// A suite is the tests, with what they share.
type suite struct{ *testing.M }

func (m suite) Run() int {
	dir, err := os.MkdirTemp("", "sse-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary, natsBinary, clientsBinary = filepath.Join(dir, "sse"), filepath.Join(dir, "nats-server"), filepath.Join(dir, "clients")
	// Before the tests: with an empty cache, on a busy machine, it takes longer than a test may.
	err = build(binary, "..", ".", "CGO_ENABLED=0") // as make does
	if err == nil {
		err = build(natsBinary, ".", "github.com/nats-io/nats-server/v2") // at the version in go.mod
	}
	if err == nil {
		err = build(clientsBinary, ".", "./clients")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Most tests that run at the same time only wait; go test would let as many run as
	// there are cores.
	flag.Parse()
	flag.Set("test.parallel", "4")
	code := m.M.Run()
	endSharedBrowsers()
	return code
}

// build builds a package, as the module in a folder has it, into a file.
func build(file, folder, pkg string, env ...string) error {
	cmd := exec.Command("go", "build", "-o", file, pkg)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", filepath.Base(file), err, out)
	}
	return nil
}

// need skips the test when a tool is not here: a name to be found on PATH, or a path with a
// slash. how says how to get it; internal/testrun repeats that at the end.
// Where CI=true nothing may be skipped: the test fails.
func need(t *testing.T, tool, how string) {
	t.Helper()
	var err error
	if strings.Contains(tool, "/") {
		_, err = os.Stat(tool)
	} else {
		_, err = exec.LookPath(tool)
	}
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not here: %s", tool, how)
	}
	t.Skipf("%s is not here: %s", tool, how)
}
