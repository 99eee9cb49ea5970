package e2e

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// startOnSocket runs the server on a Unix socket, and returns a client of it.
func startOnSocket(t *testing.T, path string, args ...string) (*exec.Cmd, *lockedBuffer, *http.Client) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"-addr", "unix:" + path}, args...)...)
	out := run(t, "the server", cmd)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }
	t.Cleanup(transport.CloseIdleConnections)
	client := testkit.StreamClient(transport)
	testkit.Eventually(t, func() error {
		resp, err := client.Get("http://localhost/healthz")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	return cmd, out, client
}

func TestCurlAndNginxReadStreamsOfAUnixSocket(t *testing.T) {
	t.Parallel()
	need(t, "curl", "apt-get install curl")
	need(t, "nginx", "apt-get install nginx")
	dir := t.TempDir()
	path := filepath.Join(dir, "sse.sock")
	killed, _, _ := startOnSocket(t, path)
	killed.Process.Kill() // and leaves its socket behind
	killed.Wait()
	cmd, out, _ := startOnSocket(t, path, "-interval", "50ms")
	// It serves a moment before it says so.
	testkit.Eventually(t, func() error { return lacks(out.String(), "Now listening on") })
	if line, _, _ := strings.Cut(out.String(), "\n"); line != "Now listening on: http+unix://"+strings.ReplaceAll(path, "/", "%2F")+" (all topics are open)" {
		t.Errorf("the first line is %q", line)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket || info.Mode().Perm()&0o022 != 0 {
		t.Errorf("with the usual umask all may connect: %v, %v", info.Mode(), err)
	}
	other := exec.Command(binary, "-addr", "unix:"+path)
	if said, err := other.CombinedOutput(); err == nil || strings.Count(string(said), "\n") != 1 || !strings.Contains(string(said), "somebody listens") {
		t.Errorf("another server on it: %v, %s", err, said)
	}

	printed := run(t, "curl", exec.CommandContext(limited(t), "curl", "-sN", "--unix-socket", path, "http://localhost/events"))
	testkit.Eventually(t, func() error {
		if n := strings.Count(printed.String(), "\ndata: "); n < 5 {
			return fmt.Errorf("%d events", n)
		}
		return nil
	})

	addr := testkit.FreeAddr(t)
	config := strings.NewReplacer("listen 80;", "listen "+addr+";", "http://127.0.0.1:8080", "http://unix:"+path).
		Replace(strings.Split(read(t, "../docs/proxies/nginx.conf"), "# The same over HTTPS")[0])
	conf := fmt.Sprintf("pid %[1]s/pid;\nevents {}\nhttp {\naccess_log off;\n%[2]s}\n", dir, strings.ReplaceAll(config, "location / {",
		fmt.Sprintf("client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;\nlocation / {", dir)))
	write(t, filepath.Join(dir, "nginx.conf"), conf)
	run(t, "nginx", exec.Command("nginx", "-p", dir, "-c", dir+"/nginx.conf", "-e", "stderr", "-g", "daemon off; master_process off;"))
	waitForOK(t, "http://"+addr+"/healthz")
	stream := subscribe(t, "http://"+addr+"/events", "")
	for range 5 {
		stream.next()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	stream.end()
	testkit.Return(t, func() { cmd.Wait() }, "the server's end")
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is still there")
	}
}
