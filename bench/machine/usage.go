package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the processor time, user and system, that processes have taken: from their
// clocks, which count nanoseconds; /proc's count is in steps of 10 ms.
func CPU(pids []int) (total time.Duration, err error) {
	for _, pid := range pids {
		var t unix.Timespec
		// The number of another process's clock, as clock_getcpuclockid(3) makes it: the process's ID with all bits
		// inverted, and in the lowest three bits 2, which is the kernel's CPUCLOCK_SCHED.
		if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
			return 0, fmt.Errorf("process %d's clock: %w", pid, err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// OwnCPU returns the processor time that this process has taken.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Memory returns the resident memory of processes in KiB. What several of them share counts
// once.
func Memory(pids []int) (kib int, err error) {
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(b)) {
			if fields := strings.Fields(line); fields[0] == "Pss:" {
				n, err := strconv.Atoi(fields[1])
				if err != nil {
					return 0, err
				}
				kib += n
			}
		}
	}
	return kib, nil
}
