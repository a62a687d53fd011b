package eni

import (
	"strings"
	"testing"
)

func TestALinkKeepsItsQueryUnlessASecretIsInIt(t *testing.T) {
	hide := secrets{"canary/secret"}
	for in, want := range map[string]string{
		"https://api.example.com/troubleshoot?q=Foo.Bar&requestId=1": "https://api.example.com/troubleshoot?q=Foo.Bar&requestId=1",
		"https://api.example.com/?x=canary/secret":                   "",
		"https://api.example.com/?x=canary%2Fsecret":                 "",
		"": "",
	} {
		if got := hide.link(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := hide.link("https://h/?Signature=abc&q=1"); strings.Contains(got, "abc") {
		t.Errorf("a signature is in %q", got)
	}
}
