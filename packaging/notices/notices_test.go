package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	mitText = "Copyright (c) 2013-2020 A. U. Thor. All rights reserved.\n\nPermission is hereby granted, free of charge, to any person\n" +
		"...\nThe above copyright notice and this\npermission notice shall be included in all copies.\n"
	bsdText = "// Copyright 2009 The Go Authors.\n\nRedistribution and use in source and binary forms, with or without\n" +
		"...\n * Neither the name of X nor the names of its contributors may be used to endorse or promote products\n"
	apacheText = "                  Apache License\n           Version 2.0, January 2004\n\n   Copyright [yyyy] [name of copyright owner]\n"
)

func TestLicencesAreToldByTheirWords(t *testing.T) {
	for text, want := range map[string]license{mitText: mit, bsdText: bsd3, apacheText: apache2} {
		if got, err := classify(text); err != nil || got != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	if got, err := classify("GNU GENERAL PUBLIC LICENSE\nVersion 3"); err == nil {
		t.Errorf("a licence that nobody looked at is taken for %s", got)
	}
}

func TestHoldersAreTheLinesOfTheAuthorsNotOfTheForm(t *testing.T) {
	got := holders(mitText + bsdText + apacheText + " * Copyright © 2020 B\n")
	want := []string{"2013-2020 A. U. Thor", "2009 The Go Authors", "2020 B"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheLicencesAreOneSortedExpression(t *testing.T) {
	var b bytes.Buffer
	list := []component{
		{path: "b", files: []file{{license: mit}, {license: bsd3}}},
		{path: "a", files: []file{{license: bsd3}, {license: isc}, {notice: true}}},
		{path: "c", files: []file{{license: bsd2}}},
	}
	if err := writeSPDX(&b, list); err != nil {
		t.Fatal(err)
	}
	if want := "Apache-2.0 AND BSD-2-Clause AND BSD-3-Clause AND ISC AND MIT\n"; b.String() != want {
		t.Errorf("got %q, want %q", &b, want)
	}
}

func TestEverythingThatIsLinkedInIsListed(t *testing.T) {
	t.Chdir("../..")
	list, err := linked("./cmd/enitune")
	if err != nil {
		t.Fatal(err)
	}
	var dep5, text bytes.Buffer
	if err := writeDEP5(&dep5, list); err != nil {
		t.Fatal(err)
	}
	if err := writeText(&text, list); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"Go", "github.com/spf13/cobra", "github.com/vishvananda/netlink", "golang.org/x/sys"} {
		if !strings.Contains(dep5.String(), "\nFiles: "+path+"/") {
			t.Errorf("the copyright file has no %s", path)
		}
	}
	for _, c := range list {
		for _, f := range c.files {
			if !strings.Contains(text.String(), f.text) {
				t.Errorf("the notices lack %s of %s", f.name, c.path)
			}
		}
	}
	if strings.Contains(dep5.String(), "OpenSSL Project") {
		t.Error("what only a build with GOEXPERIMENT=boringcrypto holds is listed")
	}
	if strings.Contains(dep5.String(), "goldmark") {
		t.Error("what only the manual pages are made with is not in the binary")
	}
}
