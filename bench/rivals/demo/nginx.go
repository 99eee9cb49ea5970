package demo

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
)

// NginxVersion returns nginx's version, or an error where there is none.
func NginxVersion() (string, error) {
	output, err := exec.Command("nginx", "-v").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("nginx: %w (Debian: apt-get install nginx)", err)
	}
	return regexp.MustCompile(`nginx/[\d.]+`).FindString(string(output)), nil
}

// RunNginx runs nginx until it ends or this process gets a signal. In conf each word in braces
// that words has is filled in, and so are {dir}, {files}, {workers} and {listen}, the arguments
// of its directive listen.
func (f Flags) RunNginx(conf string, words map[string]string) error {
	dir, err := os.MkdirTemp("", "nginx")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return err
	}
	// reuseport: the workers share the clients evenly.
	listen := f.Addr + " backlog=4096 reuseport"
	if f.Cert != "" {
		listen += fmt.Sprintf(" ssl http2;\n        ssl_certificate %s;\n        ssl_certificate_key %s", f.Cert, f.Key)
	}
	pairs := []string{"{dir}", dir, "{files}", fmt.Sprint(files.Max), "{workers}", fmt.Sprint(runtime.NumCPU()), "{listen}", listen}
	for word, value := range words {
		pairs = append(pairs, "{"+word+"}", value)
	}
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(strings.NewReplacer(pairs...).Replace(conf)), 0o600); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	nginx, err := Start("nginx", "-p", dir, "-c", name)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- nginx.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-stop:
		nginx.Process.Signal(syscall.SIGTERM)
		return <-ended
	}
}

// Start starts a program that ends with this one.
func Start(name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd, cmd.Start()
}

// FreeAddr returns an address of this machine alone with a port that is free now.
func FreeAddr() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer l.Close()
	return netip.ParseAddrPort(l.Addr().String())
}
