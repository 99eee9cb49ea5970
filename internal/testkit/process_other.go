//go:build !linux

package testkit

import "os/exec"

// Elsewhere than on Linux a process that a hanging test has started may stay behind.

func group(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { cmd.Process.Kill() }

// EndWithTest does nothing but on Linux, where it has a process that is about to be started end
// when the test binary ends, however that comes.
func EndWithTest(*exec.Cmd) {}
