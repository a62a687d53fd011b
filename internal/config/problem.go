package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Problem is one thing that is wrong with a configuration file. Parse and Load
// join all that they find; errors.As finds the first.
type Problem struct {
	File string
	// Line and Column count from 1; both are 0 where no place can be named.
	Line, Column int
	// Key is the path of the key, such as nics[0].match.type, or "".
	Key string
	// Message says what is wrong, what is allowed and what cures it, in one line.
	Message string
}

// Error is one line: FILE:LINE:COL: key.path: message.
func (p *Problem) Error() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", s, p.Line, p.Column)
	}
	if p.Key != "" {
		s += ": " + p.Key
	}
	return s + ": " + p.Message
}

// maxProblems bounds how many problems one file can report; a file that has more
// is most likely not a configuration.
const maxProblems = 100

// join sorts the problems by place and joins them; it is nil without any.
func join(problems []*Problem) error {
	slices.SortStableFunc(problems, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for i, p := range problems {
		if i == maxProblems {
			rest := fmt.Sprintf("%d more problems follow; cure these first", len(problems)-i)
			errs = append(errs, &Problem{File: p.File, Line: p.Line, Column: p.Column, Message: rest})
			break
		}
		errs = append(errs, p)
	}
	return errors.Join(errs...)
}
