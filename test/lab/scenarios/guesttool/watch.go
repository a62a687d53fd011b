//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// watched are what watch tells, in the words that it uses.
var watched = map[uint32]string{
	unix.IN_CREATE: "created", unix.IN_MODIFY: "modified", unix.IN_CLOSE_WRITE: "closed", unix.IN_MOVED_TO: "renamed", unix.IN_DELETE: "deleted",
}

// watch tells what happens in a folder, until it is killed.
func watch(folder string) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var mask uint32
	for event := range watched {
		mask |= event
	}
	if _, err := unix.InotifyAddWatch(fd, folder, mask); err != nil {
		return fmt.Errorf("watch %s: %w", folder, err)
	}
	fmt.Println("watching")
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return err
		}
		for events := buf[:n]; len(events) >= unix.SizeofInotifyEvent; {
			mask, length := binary.NativeEndian.Uint32(events[4:8]), int(binary.NativeEndian.Uint32(events[12:16]))
			end := unix.SizeofInotifyEvent + length
			name, _, _ := bytes.Cut(events[unix.SizeofInotifyEvent:end], []byte{0})
			fmt.Println(watched[mask], string(name))
			events = events[end:]
		}
	}
}
