package machine

import (
	"fmt"
	"os"
	"strings"
)

// KernelMemory returns how much memory of this machine the kernel's small objects take, such
// as sockets and epoll's entries, and the data in sockets' buffers, in KiB.
func KernelMemory() (kib float64, err error) {
	sockstat, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0, err
	}
	kib = socketBuffers(string(sockstat))
	// Only the superuser may read it. Whoever may not counts the pages of all objects.
	slabinfo, err := os.ReadFile("/proc/slabinfo")
	if err != nil {
		pages, err := slabPages()
		return kib + pages, err
	}
	return kib + slabsInUse(string(slabinfo)), nil
}

// socketBuffers returns the memory of TCP sockets' buffers, in KiB.
func socketBuffers(sockstat string) float64 {
	var pages int
	for line := range strings.Lines(sockstat) {
		if fields := strings.Fields(line); fields[0] == "TCP:" {
			fmt.Sscan(fields[len(fields)-1], &pages) // "mem" is the last.
		}
	}
	return float64(pages*os.Getpagesize()) / 1024
}

// slabsInUse returns the memory of the kernel's small objects that are in use, in KiB.
func slabsInUse(slabinfo string) (kib float64) {
	for line := range strings.Lines(slabinfo) {
		var name string
		var active, all, size int
		// A closed connection is remembered for a minute: those of the last run go while this run's come.
		if n, _ := fmt.Sscan(line, &name, &active, &all, &size); n == 4 && !strings.HasPrefix(name, "tw_sock") {
			kib += float64(active*size) / 1024
		}
	}
	return kib
}

// slabPages returns the memory of the pages that the kernel's small objects are in, in KiB.
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
