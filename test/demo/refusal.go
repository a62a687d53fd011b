package main

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// switches are the kernel settings by which distributions forbid unprivileged user namespaces, the most telling first.
func switches() []denial {
	return []denial{
		{"user/max_user_namespaces", "0", "user.max_user_namespaces", "10000"},
		{"kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone", "1"},                         // Debian, Arch
		{"kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns", "0"}, // Ubuntu 23.10 and later
	}
}

// denial is a kernel setting that forbids user namespaces while it has the value forbids.
type denial struct {
	file    string // below /proc/sys
	forbids string
	name    string // as sysctl has it
	allows  string
}

// refused tells whether an error of clone is the kernel's refusal of namespaces, see clone(2) and user_namespaces(7).
func refused(err error) bool {
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.ENOSPC, syscall.EINVAL, syscall.EUSERS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// explain says in one message why the namespaces were refused and what to type.
func explain(cause error, root bool, read func(string) ([]byte, error)) error {
	if root {
		return fmt.Errorf("this machine refuses private namespaces even to root: %w\n"+
			"  This is most likely a container without CAP_SYS_ADMIN. Run the demo on the machine itself, or in a container\n"+
			"  started with --privileged", cause)
	}
	for _, d := range switches() {
		text, err := read("/proc/sys/" + d.file)
		if err != nil || strings.TrimSpace(string(text)) != d.forbids {
			continue
		}
		return fmt.Errorf("this machine forbids unprivileged user namespaces (%s = %s): %w\n"+
			"  Type:  sudo make demo\n"+
			"  or allow them until the next boot:  sudo sysctl -w %s=%s", d.name, d.forbids, cause, d.name, d.allows)
	}
	return fmt.Errorf("this machine refuses private user and network namespaces: %w\n"+
		"  No kernel setting known for it is in force here; a container's seccomp profile may be.\n"+
		"  Type:  sudo make demo", cause)
}
