package main

import (
	"fmt"
	"os"
	"strings"
)

// kernelMemory returns how much memory of this machine the kernel's small objects take, such
// as sockets and what epoll remembers of them, and the data in sockets' buffers, in KiB.
func kernelMemory() (kib float64, err error) {
	slabs, err := slabMemory()
	if err != nil {
		return 0, err
	}
	b, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		var pages int
		if fields := strings.Fields(line); fields[0] == "TCP:" {
			fmt.Sscan(fields[len(fields)-1], &pages) // "mem" is the last
			return slabs + float64(pages*os.Getpagesize())/1024, nil
		}
	}
	return slabs, nil
}

// slabMemory returns the memory of the kernel's small objects that are in use, in KiB; where only the
// superuser may know that, that of their pages.
func slabMemory() (kib float64, err error) {
	b, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		return slabPages()
	}
	for line := range strings.Lines(string(b)) {
		var name string
		var active, all, size int
		// Connections that were closed before are remembered for a minute: they go while others come.
		if n, _ := fmt.Sscan(line, &name, &active, &all, &size); n == 4 && !strings.HasPrefix(name, "tw_sock") {
			kib += float64(active*size) / 1024
		}
	}
	return kib, nil
}

func slabPages() (kib float64, err error) {
	b, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if size, ok := strings.CutPrefix(line, "Slab:"); ok {
			fmt.Sscan(size, &kib)
		}
	}
	return kib, nil
}
