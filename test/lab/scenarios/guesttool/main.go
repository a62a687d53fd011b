//go:build linux

// Command guesttool does in a guest what no program there does, or none quickly
// enough: it attaches XDP programs, makes events in masses, times repairs, and tells what
// happens in a folder.
package main

import (
	"fmt"
	"os"
	"strconv"
)

const usage = `usage:
  guesttool xdp DEVICE on|off         attaches a program that passes every packet, or detaches it
  guesttool storm DEVICE N TIMES      makes events of the device, TIMES in all, and then sets the combined channels to N
  guesttool drift DEVICE N WANT TIMES sets the combined channels to N and waits until they are WANT again;
                                      each line: nanoseconds of the call, nanoseconds from the call's end until then
  guesttool watch FOLDER              a line for each file that is made, written or renamed there`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "guesttool:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "xdp" && (args[2] == "on" || args[2] == "off"):
		return setXDP(args[1], args[2] == "on")
	case len(args) == 4 && args[0] == "storm":
		return withNumbers(args[2:], func(n []uint32) error { return storm(args[1], n[0], n[1]) })
	case len(args) == 5 && args[0] == "drift":
		return withNumbers(args[2:], func(n []uint32) error { return drift(args[1], n[0], n[1], n[2]) })
	case len(args) == 2 && args[0] == "watch":
		return watch(args[1])
	default:
		return fmt.Errorf("unknown arguments %q\n%s", args, usage)
	}
}

// withNumbers calls f with the arguments as numbers.
func withNumbers(args []string, f func([]uint32) error) error {
	var numbers []uint32
	for _, a := range args {
		n, err := strconv.ParseUint(a, 10, 32)
		if err != nil {
			return err
		}
		numbers = append(numbers, uint32(n))
	}
	return f(numbers)
}
