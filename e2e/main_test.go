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

// binary is the path of the server, built once for all tests.
var binary string

// budgets are how long tests may run that need more than testkit.Budget on a busy machine: most of
// them start browsers, or have hundreds of clients.
var budgets = map[string]time.Duration{
	"TestBurstStaysWithinMemory":                                      5 * time.Minute,
	"TestClientWhoseNetworkGoesSilentIsUnregistered":                  6 * time.Minute,
	"TestClientsOfAKilledServerResumeAtAnother":                       5 * time.Minute,
	"TestCurlShowsAStreamThatTheGrammarAllows":                        5 * time.Minute,
	"TestDocumentsCommandsRunAsWritten":                               10 * time.Minute,
	"TestEveryEngineShowsTheStreamAndItsState":                        5 * time.Minute,
	"TestEveryEngineResumesAfterTheServerIsKilled":                    5 * time.Minute,
	"TestEveryEngineShowsTheLastEventsBeforeSIGTERM":                  5 * time.Minute,
	"TestEveryEngineGivesTheConnectionBackWhileHidden":                5 * time.Minute,
	"TestEveryEngineHasOneStreamAfterGoingBackAndForward":             5 * time.Minute,
	"TestEveryEngineShowsItsRowsAgainAfterAReload":                    5 * time.Minute,
	"TestEveryEngineHasTwentyStreamsOverHTTP2":                        5 * time.Minute,
	"TestEveryEngineFitsANarrowScreen":                                5 * time.Minute,
	"TestEveryEngineLetsTheReaderLeaveTheEndOfAFastStream":            5 * time.Minute,
	"TestEveryEngineKeepsWhatTheReaderSeesInPlace":                    5 * time.Minute,
	"TestEveryEngineShowsNamedEventsThatTheURLNames":                  5 * time.Minute,
	"TestEveryEngineRunsNoScriptButThePagesOwn":                       5 * time.Minute,
	"TestEveryEngineHasNothingToComplainOf":                           8 * time.Minute,
	"TestEveryEngineLogsTheMiniPagesEvents":                           8 * time.Minute,
	"TestEveryEngineKeepsTheFreshRowInTheRoundedCorner":               5 * time.Minute,
	"TestEveryEventPublishedIsOnEveryStreamOnceAlsoOverSIGTERM":       5 * time.Minute,
	"TestEventsArriveAtOnceThroughNATS":                               5 * time.Minute,
	"TestGoClientsSeeTheStreamAndResume":                              5 * time.Minute,
	"TestHiddenTabGivesItsConnectionBackAndMissesNothing":             5 * time.Minute,
	"TestHiddenTabSurvivesABurst":                                     5 * time.Minute,
	"TestKillUnder500Clients":                                         5 * time.Minute,
	"TestMiniPageLogsEveryEvent":                                      5 * time.Minute,
	"TestNATSLosesOneOfThreeServers":                                  5 * time.Minute,
	"TestNATSWantsTLS":                                                5 * time.Minute,
	"TestNginxPassesTheStreamOn":                                      5 * time.Minute,
	"TestNodeClientsSeeTheStreamAndResume":                            5 * time.Minute,
	"TestNothingStaysOf2000ClientsThatComeAndGo":                      5 * time.Minute,
	"TestPageFitsAPhone":                                              5 * time.Minute,
	"TestPageFollowsTheEndOnlyWhileTheReaderIsThere":                  5 * time.Minute,
	"TestPageIsReadableInLightAndDark":                                5 * time.Minute,
	"TestPageKeepsTheLast500Rows":                                     5 * time.Minute,
	"TestPageMissesNothingWhenTheConnectionIsLostBeforeTheFirstEvent": 5 * time.Minute,
	"TestPageOpensAStreamAgainThatTheBrowserHasGivenUp":               5 * time.Minute,
	"TestPageSaysThatTheBrowserDoesNotSupportIt":                      5 * time.Minute,
	"TestPageSaysThatTheStreamDoesNotOpen":                            5 * time.Minute,
	"TestPageShowsDataAsText":                                         5 * time.Minute,
	"TestPageShowsEventsWhoseIDsDoNotRise":                            5 * time.Minute,
	"TestReaderCanLeaveTheEndOfAFastStream":                           5 * time.Minute,
	"TestServerResumesClientsFromBeforeItsStart":                      5 * time.Minute,
	"TestServersSpeakAsOne":                                           5 * time.Minute,
	"TestTenTabsOverHTTPAreCompleteWhenTheyAreSeen":                   5 * time.Minute,
	"TestTwentyTabsOverHTTPSAreLiveAtOnce":                            5 * time.Minute,
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
	binary = filepath.Join(dir, "sse")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the server: %v\n%s", err, out)
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
