package demo

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// WaitForNginx waits until all of nginx's workers, one a core, are ready, where a process has started nginx. What is
// published before through nchan does not reach the clients of workers that start later.
func WaitForNginx(pid int) error {
	for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); time.Sleep(10 * time.Millisecond) {
		_, nginx, err := Descendants(pid)
		if err != nil {
			return err
		}
		ready := 0
		for _, pid := range nginx {
			// A worker takes this title when it is ready.
			if title, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); strings.HasPrefix(string(title), "nginx: worker process") {
				ready++
			}
		}
		if ready == runtime.NumCPU() {
			return nil
		}
	}
	return errors.New("nginx does not start its workers")
}

// Descendants returns the processes that a process has started, and they, and which of
// them are nginx's.
func Descendants(pid int) (pids, nginx []int, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, nil, err
	}
	children := make(map[int][]int)
	isNginx := make(map[int]bool)
	for _, name := range stats {
		f, err := os.Open(name)
		if err != nil {
			continue // It has ended.
		}
		line, _ := bufio.NewReader(f).ReadString('\n')
		f.Close()
		// "pid (name) state parent ...", and the name may hold anything.
		var child, parent int
		fmt.Sscan(line, &child)
		fmt.Sscanf(line[strings.LastIndexByte(line, ')')+1:], " %1s %d", new(string), &parent)
		children[parent] = append(children[parent], child)
		isNginx[child] = strings.Contains(line, "(nginx)")
	}
	pids = children[pid]
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
		if isNginx[pids[i]] {
			nginx = append(nginx, pids[i])
		}
	}
	return pids, nginx, nil
}
