package machine

import (
	"math"
	"os"
	"testing"
	"time"

	"example.com/sse/internal/testkit"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m, nil)) }

func TestProcessorTimeIsTheKernels(t *testing.T) {
	self := []int{os.Getpid()}
	before, err := CPU(self)
	if err != nil {
		t.Fatal(err)
	}
	own := OwnCPU()
	for n := 0.0; OwnCPU()-own < 100*time.Millisecond; n++ {
		math.Sqrt(n)
	}
	after, err := CPU(self)
	if got, want := after-before, OwnCPU()-own; err != nil || (got-want).Abs() > 50*time.Millisecond {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestMemoryIsWhatIsResident(t *testing.T) {
	own := []int{os.Getpid()}
	before, err := Memory(own)
	if err != nil {
		t.Fatal(err)
	}
	const mib = 64
	b, err := unix.Mmap(-1, 0, mib<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(b)
	after, err := Memory(own)
	if grown := (after - before) >> 10; err != nil || grown < mib*3/4 || grown > mib*3/2 {
		t.Errorf("grew by %d MiB, %v, want %d", grown, err, mib)
	}
}

func TestKernelMemoryIsThatOfObjectsInUseAndOfBuffers(t *testing.T) {
	const slabinfo = `slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit>
tw_sock_TCP         1024   2048    256   16    1 : tunables    0    0    0 : slabdata     15     15      0
TCP                   64    117   2048   13    8 : tunables    0    0    0 : slabdata      9      9      0
filp                 512    924    192   21    1 : tunables    0    0    0 : slabdata     44     44      0
`
	if got, want := slabsInUse(slabinfo), 64*2.0+512*192.0/1024; got != want {
		t.Errorf("objects: got %v KiB, want %v", got, want)
	}
	const sockstat = "sockets: used 13\nTCP: inuse 1 orphan 0 tw 15 alloc 1 mem 125\nUDP: inuse 0 mem 7\n"
	if got, want := socketBuffers(sockstat), 125*float64(os.Getpagesize())/1024; got != want {
		t.Errorf("buffers: got %v KiB, want %v", got, want)
	}
	if got, err := KernelMemory(); err != nil || got <= 0 {
		t.Errorf("this machine's: got %v, %v", got, err)
	}
}
