package main

import (
	"errors"
	"strings"
)

// license is the short name of a licence, as Debian's format has it.
type license string

const (
	apache2 license = "Apache-2.0"
	mit     license = "Expat"
	bsd3    license = "BSD-3-clause"
	bsd2    license = "BSD-2-clause"
	isc     license = "ISC"
)

// spdx is the identifier of a licence in SPDX's list, which names some otherwise.
func (l license) spdx() string {
	switch l {
	case mit:
		return "MIT"
	case bsd3:
		return "BSD-3-Clause"
	case bsd2:
		return "BSD-2-Clause"
	case apache2, isc:
		return string(l)
	default:
		return "LicenseRef-" + string(l)
	}
}

// mark is what tells a licence: phrases that it has, and that no other one has
// with them.
type mark struct {
	license license
	all     []string
}

// marks are tried in order.
func marks() []mark {
	return []mark{
		{apache2, []string{"apache license", "version 2.0, january 2004"}},
		{apache2, []string{"licensed under the apache license, version 2.0"}}, // without the text itself
		{mit, []string{"permission is hereby granted, free of charge", "the above copyright notice and this permission notice shall be included"}},
		{bsd3, []string{"redistribution and use in source and binary forms", "may be used to endorse or promote products"}},
		{bsd2, []string{"redistribution and use in source and binary forms", "redistributions in binary form must reproduce"}},
		{isc, []string{"permission to use, copy, modify, and/or distribute this software for any purpose"}},
	}
}

// classify tells a licence by its words.
func classify(text string) (license, error) {
	words := strings.ToLower(strings.Join(strings.Fields(text), " "))
	for _, p := range marks() {
		found := true
		for _, phrase := range p.all {
			found = found && strings.Contains(words, phrase)
		}
		if found {
			return p.license, nil
		}
	}
	return "", errors.New("its licence is not known here; see whether it may be linked in, then teach classify its words")
}

// holders are the lines of a text that say who has the copyright.
func holders(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " \t\n*#/")
		rest, ok := strings.CutPrefix(line, "Copyright ")
		if !ok || strings.Contains(rest, "[yyyy]") || strings.Contains(rest, "{yyyy}") || strings.HasPrefix(rest, "notice") {
			continue
		}
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "(c) "), "(C) ")
		rest = strings.TrimPrefix(rest, "© ")
		rest, _, _ = strings.Cut(rest, " All rights reserved")
		list = append(list, strings.TrimRight(rest, "., "))
	}
	return list
}
