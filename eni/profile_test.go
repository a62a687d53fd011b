package eni

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const cliProfiles = `{"current":"one","profiles":[
	{"name":"one","mode":"AK","access_key_id":"` + canaryKey + `1111","access_key_secret":"` + canarySecret + `","region_id":"cn-beijing"},
	{"name":"two","mode":"StsToken","access_key_id":"STS.canary2222","access_key_secret":"` + canarySecret + `","sts_token":"` + canaryToken + `"},
	{"name":"sso","mode":"CloudSSO"},
	{"name":"a","mode":"ChainableRamRoleArn","source_profile":"b"},
	{"name":"b","mode":"ChainableRamRoleArn","source_profile":"a"},
	{"name":"lost","mode":"ChainableRamRoleArn","source_profile":"nowhere"}]}`

func TestCLIProfileIsTheNamedOneOrTheOneInUse(t *testing.T) {
	noCredentials(t)
	if _, err := CLIProfile(""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	writeHome(t, ".aliyun/config.json", cliProfiles)
	one := Profile{Name: "one", Mode: "AK", Region: "cn-beijing"}
	for _, tt := range []struct {
		named, environment string
		want               Profile
	}{
		{"", "", one},
		{"", "two", Profile{Name: "two", Mode: "StsToken"}},
		{"one", "two", one},
	} {
		t.Setenv("ALIBABA_CLOUD_PROFILE", tt.environment)
		got, err := CLIProfile(tt.named)
		if d := cmp.Diff(tt.want, got); d != "" || err != nil {
			t.Errorf("%+v: %v (-want +got):\n%s", tt, err, d)
		}
	}
	_, err := CLIProfile("none")
	want := `profile "none" is not in ~/.aliyun/config.json, it has one, two, sso, a, b, lost: file does not exist`
	if !errors.Is(err, fs.ErrNotExist) || errText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestANamedProfileOutdoesTheDefaultChain(t *testing.T) {
	setCredentials(t)
	writeHome(t, ".aliyun/config.json", cliProfiles)
	ok := answers(answer{200, emptyPage})
	for _, tt := range []struct {
		profile string
		want    CredentialSource
	}{
		{"", CredentialSource{"environment (ALIBABA_CLOUD_ACCESS_KEY_ID)", "default/env", "****nary", true}},
		{"one", CredentialSource{"profile of the aliyun CLI (~/.aliyun/config.json)", "cli_profile/static_ak", "****1111", false}},
		{"two", CredentialSource{"profile of the aliyun CLI (~/.aliyun/config.json)", "cli_profile/static_sts", "****2222", true}},
	} {
		c := newClient(t, ClientOptions{Profile: tt.profile}, handlerTransport{ok})
		got, err := c.CredentialSource(t.Context())
		checkIs(t, err, nil)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.profile, d)
		}
		checkIs(t, listOwn(t.Context(), c), nil)
	}
}

func TestAProfileThatCannotBeUsedIsExplained(t *testing.T) {
	for _, tt := range []struct{ name, profile, file, want string }{
		{"no file", "one", "", "~/.aliyun/config.json cannot be read: no such file or directory"},
		{"no JSON", "one", `{"secret":"` + canarySecret, "~/.aliyun/config.json is not valid JSON"},
		{"no such profile", "three", `{"profiles":[]}`, `profile "three" is not in ~/.aliyun/config.json, it has none`},
		{"a mode of the CLI's alone", "sso", cliProfiles, `has the mode "CloudSSO"; enitune can use AK, `},
		{"a circle", "a", cliProfiles, `profile "b" of ~/.aliyun/config.json is its own source, through source_profile`},
		{"a source that is missing", "lost", cliProfiles, `profile "nowhere" is not in`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noCredentials(t)
			if tt.file != "" {
				writeHome(t, ".aliyun/config.json", tt.file)
			}
			err := listOwn(t.Context(), newClient(t, ClientOptions{Profile: tt.profile}, nil))
			checkIs(t, err, ErrCredentials)
			if !strings.Contains(errText(err), tt.want) || !strings.Contains(errText(err), "--profile") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			mustNotLeak(t, errText(err))
		})
	}
}

// A circle of profiles would overflow the SDK's stack, which ends the process.
func TestACircleInTheProfileOfTheDefaultChainIsAnError(t *testing.T) {
	noCredentials(t)
	writeHome(t, ".aliyun/config.json", strings.Replace(cliProfiles, `"current":"one"`, `"current":"a"`, 1))
	err := listOwn(t.Context(), newClient(t, ClientOptions{}, nil))
	checkIs(t, err, ErrCredentials)
	if !strings.Contains(errText(err), "is its own source") {
		t.Errorf("%v", err)
	}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", canaryKey)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", canarySecret)
	c := newClient(t, ClientOptions{}, handlerTransport{answers(answer{200, emptyPage})})
	checkIs(t, listOwn(t.Context(), c), nil) // the chain does not come as far
}

func TestADisabledProfileIsNotUsed(t *testing.T) {
	noCredentials(t)
	writeHome(t, ".aliyun/config.json", cliProfiles)
	t.Setenv("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")
	err := listOwn(t.Context(), newClient(t, ClientOptions{Profile: "one"}, nil))
	checkIs(t, err, ErrCredentials)
	if !strings.Contains(errText(err), "ALIBABA_CLOUD_CLI_PROFILE_DISABLED") {
		t.Errorf("%v", err)
	}
}

func TestTheSourcesNamesAndKeysAreShownWithoutSecrets(t *testing.T) {
	for provider, want := range map[string]string{
		"default/env":                       "environment (ALIBABA_CLOUD_ACCESS_KEY_ID)",
		"default/oidc_role_arn":             "OIDC (RRSA)",
		"default/cli_profile/static_ak":     "profile of the aliyun CLI (~/.aliyun/config.json)",
		"default/profile/static_ak":         "credentials file (~/.alibabacloud/credentials)",
		"default/ecs_ram_role":              SourceRAMRole,
		"default/credential_uri":            "ALIBABA_CLOUD_CREDENTIALS_URI",
		"default/something_new/with_detail": "default/something_new/with_detail",
	} {
		if got := sourceName(provider); got != want {
			t.Errorf("%s: got %q, want %q", provider, got, want)
		}
	}
	for id, want := range map[string]string{"": "****", "short": "****", "LTAI1234": "****1234", "STS.NSomethingLong": "****Long"} {
		if got := maskKey(id); got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

func FuzzParseCLIConfig(f *testing.F) {
	f.Add([]byte(cliProfiles), "a")
	f.Add([]byte(`{"profiles":[{"name":"a","mode":"ChainableRamRoleArn","source_profile":"a"},null]}`), "a")
	f.Add([]byte(`{"profiles":7}`), "")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		data = append(data, canarySecret...) // as in a file that breaks off
		if _, err := parseCLIConfig(data); err != nil {
			mustNotLeak(t, err.Error())
		}
		data = data[:len(data)-len(canarySecret)]
		c, err := parseCLIConfig(data)
		if err != nil {
			mustNotLeak(t, err.Error())
			return
		}
		if err := c.check(name); err != nil && strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("more than one line: %v", err)
		}
	})
}
