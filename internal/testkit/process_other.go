//go:build !linux

package testkit

import "os/exec"

// Elsewhere than on Linux a process that a hanging test has started may stay behind.

func group(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { cmd.Process.Kill() }

func endWithParent(*exec.Cmd) {}
