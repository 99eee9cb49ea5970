package main

import (
	"net/netip"
	"syscall"
)

// spare is how many files a process needs for other things than its clients.
const spare = 100

// minServers is how many servers there are at least.
const minServers = 6

// sizes are the numbers of servers and of processes with clients.
type sizes struct{ servers, loads int }

// maxFiles returns how many files a process may open; Go has raised the soft limit to it.
func maxFiles() (int, error) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return 0, err
	}
	return int(min(files.Max, 1<<20)), nil
}

// sizesFor returns so many servers that all clients have room on all but one of them, and as few
// processes as hold all clients, where a process may open a number of files.
func sizesFor(clients, files int) sizes {
	room := max(1, files-spare)
	full := (clients + room - 1) / room
	return sizes{servers: max(minServers, full+1), loads: full}
}

// share returns how many clients the i-th of some processes has, and which of all clients is its first.
func share(clients, processes, i int) (n, first int) {
	first = clients * i / processes
	return clients*(i+1)/processes - first, first
}

// serverOf returns the index of the server that a client is given for a connection, as a load balancer in front of them
// would do it: all get the same number of clients. A client whose connection has ended, or was refused, gets another server than
// the one that it began with, and those of one server are spread over all others.
func serverOf(client, connection, servers int) int {
	home := client % servers
	if connection == 0 {
		return home
	}
	return (home + 1 + (client/servers+connection-1)%(servers-1)) % servers
}

// serversOf returns a function for [load.Load.ServedBy], where the first client of a process has a number among all.
func serversOf(servers []netip.AddrPort, first int) func(client, connection int) netip.AddrPort {
	return func(client, connection int) netip.AddrPort {
		return servers[serverOf(first+client, connection, len(servers))]
	}
}
