// Package faults makes the kernel misbehave towards one program, for tests: its ethtool calls and its netlink sockets
// fail, lie, hang or arrive a moment too late, as a rule of the test says. The program is the built binary, unchanged.
//
// A supervisor in the test's process is asked before each such system call of the program (seccomp user notification,
// Linux 5.19 and later): it may let the kernel do it, do it itself and change the answer, refuse it with an error, or do
// something else first, such as renaming the NIC.
//
// A test package opts in with a TestMain, whose first line is the program's start under its filter:
//
//	func TestMain(m *testing.M) { faults.Main(); netns.Main(m) }
//
// and a test with
//
//	cmd := exec.Command(bin, "apply")
//	f := faults.Under(t, cmd)
//	f.On(faults.Match{Op: faults.SetChannels, Device: "eth1"}, faults.Fail(unix.EBUSY))
//
// before it starts the command.
package faults
