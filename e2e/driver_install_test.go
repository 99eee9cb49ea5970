package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/sse/internal/testkit"
)

// A policy that stays would keep the machine from ever starting a server that it installs.
func TestInstallLeavesNoPolicyBehind(t *testing.T) {
	t.Parallel()
	need(t, "apt-get", "Debian")
	if os.Getuid() != 0 {
		t.Skip("it installs nothing for others than root")
	}
	for _, killed := range []bool{false, true} {
		dir := t.TempDir()
		policy := filepath.Join(dir, "policy-rc.d")
		installs := filepath.Join(dir, "installs")
		apt := "#!/bin/sh\ntest -x '" + policy + "' && touch '" + installs + "'\n"
		if killed {
			apt += "exec sleep 60\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte(apt), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("./install", "no-such-command", "no-such-package")
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "POLICY_RC_D="+policy)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, func() error {
			_, err := os.Stat(installs)
			return err
		})
		if killed {
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
		testkit.Return(t, func() { cmd.Wait() }, "the script's end")
		if !killed {
			if _, err := os.Stat(policy); err == nil {
				t.Error("the policy is still there after the script")
			}
			continue
		}
		testkit.Eventually(t, func() error {
			if _, err := os.Stat(policy); err == nil {
				return errors.New("the policy is still there after the script was killed")
			}
			return nil
		})
	}
}
