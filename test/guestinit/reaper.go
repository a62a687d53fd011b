//go:build linux

package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reaper collects every child that ends, its own and the orphans that an init process inherits. It is the only one that
// waits for children: nothing else in this program may.
type reaper struct {
	mu    sync.Mutex // held while a child starts, so that none ends before it is known
	exits map[int]chan<- syscall.WaitStatus
}

func newReaper() *reaper { return &reaper{exits: make(map[int]chan<- syscall.WaitStatus)} }

// start starts the program in the file path. Its wait status arrives on the channel.
func (r *reaper) start(path string, argv []string, attr *syscall.ProcAttr) (pid int, exit <-chan syscall.WaitStatus, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pid, err = syscall.ForkExec(path, argv, attr)
	if err != nil {
		return 0, nil, err
	}
	status := make(chan syscall.WaitStatus, 1)
	r.exits[pid] = status
	return pid, status, nil
}

// run reaps until ctx is done.
func (r *reaper) run(ctx context.Context) {
	ended := make(chan os.Signal, 1) // one is enough: reap collects all that there are
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		r.reap()
		select {
		case <-ended:
		case <-ctx.Done():
			return
		}
	}
}

// reap collects the children that have ended.
func (r *reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return // no child has ended, or there is none
		}
		if exit, ok := r.exits[pid]; ok {
			exit <- status
			delete(r.exits, pid)
		}
	}
}
