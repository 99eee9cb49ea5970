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
			{"HTTP/1.1", "http", http.DefaultClient, 1},
			{"HTTP/2", "https", trusting(t, cert, true), 2},
		} {
			t.Run(front.name+" in front of HTTP/"+upstream, func(t *testing.T) {
				t.Parallel()
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
	begun := time.Now()
	through := subscribeWith(t, client, url, "")
	if took := time.Since(begun); took > time.Second {
		t.Errorf("the head came after %v", took)
	}
	if through.resp.ProtoMajor != major {
		t.Errorf("it speaks %s", through.resp.Proto)
	}

	// Events arrive at once: each before the one that follows it is made.
	direct := subscribe(t, s.url+"/events", "")
	want, _ := direct.next(2 * time.Second)
	got, _ := through.next(2 * time.Second)
	for got < want {
		got, _ = through.next(2 * time.Second)
	}
	var lag time.Duration
	for range 8 {
		if got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
		want, _ = direct.next(2 * time.Second)
		begun := time.Now()
		got, _ = through.next(time.Second)
		lag = max(lag, time.Since(begun))
	}
	t.Logf("an event came at most %v later than without the proxy", lag)

	// Who leaves the proxy leaves the server.
	s.waitForClients(2, 5*time.Second)
	through.close()
	s.waitForClients(1, 5*time.Second)
	direct.close()
	s.waitForClients(0, 5*time.Second)

	// A restart behind it is survived.
	f := follow(t, client, url)
	waitForID(t, []*follower{f}, 1, 5*time.Second)
	s.kill()
	time.Sleep(time.Second) // The proxy answers 502.
	s.restart()
	waitUntilOpened(t, []*follower{f}, 2, 20*time.Second)
	events := held(t, s)
	f.forget(0, events[0])
	checkWhole(t, []*follower{f}, events)
	if figures := s.stats(); figures.ResumesIncomplete < 1 {
		t.Errorf("the last event ID has not come through: %+v", figures)
	}
}

// startNginx runs nginx with the configuration that the README shows, in front of a server,
// and returns the addresses for HTTP and for HTTPS.
func startNginx(t *testing.T, s *server, upstream, cert, key string) (plain, secure string) {
	t.Helper()
	site, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	plain, secure = freeAddr(t), freeAddr(t)
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
	var out lockedBuffer
	cmd := exec.Command("nginx", "-p", prefix, "-c", filepath.Join(prefix, "nginx.conf"), "-e", "stderr",
		"-g", "daemon off; master_process off;")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("nginx printed:\n%s", out.tail(40))
		}
	})
	for _, addr := range []string{plain, secure} {
		eventually(t, startWithin, func() error {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				return errors.Join(err, fmt.Errorf("nginx: %s", out.String()))
			}
			return conn.Close()
		})
	}
	return plain, secure
}

func TestREADMEShowsTheConfigurationThatIsTested(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile("nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	_, servers, _ := strings.Cut(string(config), "\n\n")
	if !strings.Contains(string(readme), "```nginx\n"+servers+"```\n") {
		t.Error("README.md shows another nginx.conf")
	}
}
