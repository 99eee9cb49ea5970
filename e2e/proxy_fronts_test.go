package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sse/internal/testkit"
)

// A proxy is a proxy with the configuration that docs/proxies shows. That has two parts: the least that is
// needed, over plain HTTP, and all that helps, over HTTPS.
type proxy struct {
	name    string
	command string            // what is to be found on PATH
	install string            // the Debian package
	config  string            // its file in docs/proxies
	addrs   map[string]string // what stands for an address in that file, and what takes its place
	debian  string            // what Debian configures around that file, with paths that need no root
	args    []string          // of the command, which runs in {dir}

	drops       string // the field of the stream's header that it keeps to itself
	slow        bool   // with the least that is needed, a client that leaves is noticed only when something is sent
	alwaysSlow  bool   // so it is with all that helps, too
	away        int    // the status with which it answers, at its least, while the server is away
	fewPerHTTP2 bool   // it serves only some streams of an HTTP/2 connection at once
	stalled     [3]int // for each front: the status that a body gets that stalls, or 0 where the proxy waits for a minute or more
}

// A front is an address of a proxy's.
type front struct {
	name    string
	proxy   proxy
	least   bool // with the least that is needed
	stalled int  // see proxy
	url     string
	client  func() *http.Client // one with connections of its own
	major   int                 // of the version of HTTP that it speaks
}

// forEachProxy runs a test for each proxy in front of a server of its own.
func forEachProxy(t *testing.T, flags []string, test func(t *testing.T, s *server, fronts []front)) {
	for _, p := range proxies {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.need(t)
			s := start(t, flags...)
			test(t, s, p.start(t, s))
		})
	}
}

func (p proxy) need(t *testing.T) {
	t.Helper()
	need(t, p.command, "apt-get install "+p.install)
}

// start runs the proxy in front of a server. It ends with the test.
func (p proxy) start(t *testing.T, s *server) []front {
	t.Helper()
	dir := t.TempDir()
	// Apache gives root away, and has still to reach its files.
	for _, folder := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	plain, secure := testkit.FreeAddr(t), testkit.FreeAddr(t)
	_, plainPort, _ := net.SplitHostPort(plain)
	_, securePort, _ := net.SplitHostPort(secure)
	fill := strings.NewReplacer("{dir}", dir, "{plain}", plain, "{secure}", secure, "{server}", s.addr,
		"{plainPort}", plainPort, "{securePort}", securePort)

	config := read(t, filepath.Join("../docs/proxies", p.config))
	for _, addr := range slices.Sorted(maps.Keys(p.addrs)) {
		if !strings.Contains(config, addr) {
			t.Fatalf("docs/proxies/%s has no %q", p.config, addr)
		}
		config = strings.ReplaceAll(config, addr, p.addrs[addr])
	}
	cert, key := certificate(t)
	for name, content := range map[string]string{
		"debian.conf": p.debian,
		p.config:      config,
		"cert.pem":    read(t, cert),
		"key.pem":     read(t, key),
		"site.pem":    read(t, cert) + read(t, key),
		"away.asis":   read(t, "../docs/proxies/away.asis"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(fill.Replace(content)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(p.command)
	for _, arg := range p.args {
		cmd.Args = append(cmd.Args, fill.Replace(arg))
	}
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir) // Caddy keeps files there.
	out := run(t, p.command, cmd)
	for _, addr := range []string{plain, secure} {
		testkit.Eventually(t, func() error {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return errors.Join(err, fmt.Errorf("%s: %s", p.command, out.tail(20)))
			}
			return conn.Close()
		})
	}
	return []front{
		{p.name + " over HTTP/1.1", p, true, p.stalled[0], "http://" + plain, func() *http.Client { return plainly(t) }, 1},
		{p.name + " over HTTPS and HTTP/1.1", p, false, p.stalled[1], "https://" + secure, func() *http.Client { return trusting(t, false) }, 1},
		{p.name + " over HTTP/2", p, false, p.stalled[2], "https://" + secure, func() *http.Client { return trusting(t, true) }, 2},
	}
}

// plainly returns an HTTP client for streams without TLS, whose connections end with the test.
func plainly(t *testing.T) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	return testkit.StreamClient(transport)
}

// noticesAtOnce tells whether the server hears at once of a client that leaves the proxy.
func (f front) noticesAtOnce() bool {
	return !f.proxy.alwaysSlow && !(f.proxy.slow && f.least)
}

// paths are where the proxy has the server's pages.
func (f front) paths() []string {
	if f.least {
		return []string{"/"}
	}
	return []string{"/", "/demo/"}
}

func TestOperatingNamesEveryProxysConfiguration(t *testing.T) {
	files, err := os.ReadDir("../docs/proxies")
	if err != nil {
		t.Fatal(err)
	}
	document := read(t, "../docs/operating.md")
	tested := map[string]bool{"away.asis": true}
	for _, p := range proxies {
		tested[p.config] = true
	}
	for _, file := range files {
		if !tested[file.Name()] {
			t.Errorf("no test runs docs/proxies/%s", file.Name())
		}
		if !strings.Contains(document, "](proxies/"+file.Name()+")") {
			t.Errorf("docs/operating.md has no link to proxies/%s", file.Name())
		}
	}
}

// What docs/service.md shows of each proxy is in the file that the tests run.
func TestServiceShowsWhatTheProxiesFilesHave(t *testing.T) {
	rows := regexp.MustCompile("(?m)^\\| \\[\\w+\\]\\(proxies/(\\S+)\\) \\| `(.*)` \\|$").FindAllStringSubmatch(read(t, "../docs/service.md"), -1)
	if len(rows) != len(proxies) {
		t.Errorf("it shows %d proxies, and there are %d", len(rows), len(proxies))
	}
	for _, row := range rows {
		if file := strings.Join(strings.Fields(read(t, "../docs/proxies/"+row[1])), " "); !strings.Contains(file, row[2]) {
			t.Errorf("%s has no %q", row[1], row[2])
		}
	}
}
