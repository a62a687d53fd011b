// Command notices prints whose work the agent's binary holds, and on what terms:
// the modules that are linked in and Go's standard library, each with its
// licence as its authors wrote it.
//
//	notices -format dep5    Debian's machine-readable copyright file
//	notices -format text    every licence and notice in full
//	notices -format spdx    the licences of the binary as one SPDX expression
//	notices -format cyclonedx <BOM    the bill of materials on standard input, with licences
//
// A licence that it does not know is an error: somebody has to look at it first.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	format := flag.String("format", "dep5", "`form` of the output: dep5, text, spdx or cyclonedx")
	flag.Parse()
	if err := run(*format, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(format string, in io.Reader, w io.Writer) error {
	write, ok := map[string]func(io.Writer, []component) error{
		"dep5": writeDEP5, "text": writeText, "spdx": writeSPDX,
		"cyclonedx": func(w io.Writer, list []component) error { return writeBOM(in, w, list) },
	}[format]
	if !ok {
		return fmt.Errorf("-format is %q: use dep5, text, spdx or cyclonedx", format)
	}
	list, err := linked("./cmd/enitune")
	if err != nil {
		return err
	}
	if len(list) < 2 {
		return errors.New("no module is linked in: this is not the agent's tree")
	}
	return write(w, list)
}
