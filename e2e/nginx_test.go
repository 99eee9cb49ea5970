package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/sse/internal/testkit"
)

// nginxMain is what Debian's /etc/nginx/nginx.conf is to a site, with paths that need no root.
const nginxMain = `
pid PREFIX/nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path PREFIX/body;
	proxy_temp_path PREFIX/proxy;
	fastcgi_temp_path PREFIX/fastcgi;
	uwsgi_temp_path PREFIX/uwsgi;
	scgi_temp_path PREFIX/scgi;
	include PREFIX/site.conf;
}
`

func TestNginxPassesTheStreamOn(t *testing.T) {
	t.Parallel()
	need(t, "nginx", "apt-get install nginx")
	cert, key := certificate(t)
	for _, upstream := range []string{"1.0", "1.1"} {
		for _, front := range []struct {
			name, scheme string
			client       *http.Client
			major        int
		}{
			{"HTTP/1.1", "http", streaming, 1},
			{"HTTP/2", "https", trusting(t, cert, true), 2},
		} {
			t.Run(front.name+" in front of HTTP/"+upstream, func(t *testing.T) {
				s := start(t, "-interval", "300ms")
				plain, secure := startNginx(t, s, upstream, cert, key)
				url := front.scheme + "://" + map[string]string{"http": plain, "https": secure}[front.scheme] + "/events"
				checkThrough(t, s, front.client, url, front.major)
			})
		}
	}
}

// checkThrough checks what a proxy in between must not change.
func checkThrough(t *testing.T, s *server, client *http.Client, url string, major int) {
	through := subscribeWith(t, client, url, "")
	if through.resp.ProtoMajor != major {
		t.Errorf("it speaks %s", through.resp.Proto)
	}

	// Events arrive at once: each before the one that follows it is made.
	direct := subscribe(t, s.url+"/events", "")
	want, _ := direct.next()
	got, _ := through.next()
	for got < want {
		got, _ = through.next()
	}
	var lag time.Duration
	for range 8 {
		if got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
		want, _ = direct.next()
		begun := time.Now()
		got, _ = through.next()
		lag = max(lag, time.Since(begun))
	}
	// A proxy that waits until its buffer of 4 KiB is full would take more than ten seconds.
	if lag > 8*time.Second {
		t.Errorf("an event came %v later than without the proxy", lag)
	}
	t.Logf("an event came at most %v later than without the proxy", lag)

	// Who leaves the proxy leaves the server.
	s.waitForClients(2)
	through.close()
	s.waitForClients(1)
	direct.close()
	s.waitForClients(0)

	// A restart behind it is survived.
	f := follow(t, client, url)
	waitForID(t, []*follower{f}, 1)
	s.kill()
	time.Sleep(time.Second) // The proxy answers 502.
	s.restart()
	waitUntilOpened(t, []*follower{f}, 2)
	events := retained(t, s)
	f.forget(0, events[0])
	checkWhole(t, []*follower{f}, events)
	if figures := s.stats(); figures.ResumesIncomplete < 1 {
		t.Errorf("the last event ID has not come through: %+v", figures)
	}
}

// startNginx runs nginx with the configuration that docs/operating.md shows, in front of a server,
// and returns the addresses for HTTP and for HTTPS.
func startNginx(t *testing.T, s *server, upstream, cert, key string) (plain, secure string) {
	t.Helper()
	site, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	plain, secure = testkit.FreeAddr(t), testkit.FreeAddr(t)
	conf := string(site)
	for old, new := range map[string]string{
		"listen 80;":             "listen " + plain + ";",
		"listen 443 ":            "listen " + secure + " ",
		" cert.pem;":             " " + cert + ";",
		" key.pem;":              " " + key + ";",
		"http://127.0.0.1:8080;": s.url + ";",
	} {
		if !strings.Contains(conf, old) {
			t.Fatalf("nginx.conf has no %q", old)
		}
		conf = strings.ReplaceAll(conf, old, new)
	}
	// Each version of the upstream's protocol in front of each of ours.
	const version = "proxy_http_version 1.1;"
	conf = strings.ReplaceAll(conf, version, "")
	if upstream == "1.1" {
		conf = strings.ReplaceAll(conf, s.url+";", s.url+"; "+version)
	}
	prefix := t.TempDir()
	for name, content := range map[string]string{
		"site.conf":  conf,
		"nginx.conf": strings.ReplaceAll(nginxMain, "PREFIX", prefix),
	} {
		if err := os.WriteFile(filepath.Join(prefix, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := run(t, "nginx", exec.Command("nginx", "-p", prefix, "-c", filepath.Join(prefix, "nginx.conf"), "-e", "stderr",
		"-g", "daemon off; master_process off;"))
	for _, addr := range []string{plain, secure} {
		testkit.Eventually(t, func() error {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return errors.Join(err, fmt.Errorf("nginx: %s", out.String()))
			}
			return conn.Close()
		})
	}
	return plain, secure
}

func TestDocumentsShowTheConfigurationThatIsTested(t *testing.T) {
	document, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	_, servers, _ := strings.Cut(string(config), "\n\n")
	if !strings.Contains(string(document), "```nginx\n"+servers+"```\n") {
		t.Error("docs/operating.md shows another nginx.conf")
	}
}
