package eni

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Profile is what the aliyun CLI's configuration says of one of its profiles,
// without the secrets.
type Profile struct {
	Name   string
	Mode   string // how it authenticates: AK, StsToken, RamRoleArn, EcsRamRole, OIDC, …
	Region string // its default region; "" when it has none
}

// CLIProfile reads a profile of the aliyun CLI from ~/.aliyun/config.json. "" is
// the profile that the CLI would use: ALIBABA_CLOUD_PROFILE, or else the current
// one. errors.Is(err, fs.ErrNotExist) when there is no such file or profile.
func CLIProfile(name string) (Profile, error) {
	c, err := readCLIConfig()
	if err != nil {
		return Profile{}, err
	}
	p, err := c.profile(c.effective(name))
	if err != nil {
		return Profile{}, err
	}
	return Profile{Name: p.Name, Mode: p.Mode, Region: p.Region}, nil
}

const (
	// cliConfigFile is named so in messages, whatever $HOME is.
	cliConfigFile = "~/.aliyun/config.json"
	// maxCLIConfig bounds the file, in bytes.
	maxCLIConfig = 1 << 20
)

// cliConfig is the part of the aliyun CLI's configuration that holds no secret.
type cliConfig struct {
	Current  string       `json:"current"`
	Profiles []cliProfile `json:"profiles"`
}

type cliProfile struct {
	Name          string `json:"name"`
	Mode          string `json:"mode"`
	Region        string `json:"region_id"`
	SourceProfile string `json:"source_profile"` // of mode ChainableRamRoleArn
}

func readCLIConfig() (cliConfig, error) {
	file, err := os.Open(filepath.Join(os.Getenv("HOME"), ".aliyun", "config.json")) // $HOME, as the SDK finds it
	if err != nil {
		return cliConfig{}, fmt.Errorf("%s cannot be read: %w", cliConfigFile, withoutPath(err))
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxCLIConfig))
	if err != nil {
		return cliConfig{}, fmt.Errorf("%s cannot be read: %w", cliConfigFile, withoutPath(err))
	}
	return parseCLIConfig(data)
}

// parseCLIConfig quotes nothing of the file in its errors: it holds secrets.
func parseCLIConfig(data []byte) (cliConfig, error) {
	var c cliConfig
	if err := json.Unmarshal(data, &c); err != nil {
		return cliConfig{}, fmt.Errorf("%s is not valid JSON", cliConfigFile)
	}
	return c, nil
}

// effective is the name of the profile that counts when name was asked for.
func (c cliConfig) effective(name string) string {
	if name == "" {
		name = os.Getenv("ALIBABA_CLOUD_PROFILE")
	}
	if name == "" {
		name = c.Current
	}
	return name
}

func (c cliConfig) profile(name string) (cliProfile, error) {
	at := slices.IndexFunc(c.Profiles, func(p cliProfile) bool { return p.Name == name })
	if at >= 0 {
		return c.Profiles[at], nil
	}
	var names []string
	for _, p := range c.Profiles {
		names = append(names, oneLine(p.Name))
	}
	has := "it has none"
	if len(names) > 0 {
		has = "it has " + strings.Join(names, ", ")
	}
	return cliProfile{}, fmt.Errorf("profile %q is not in %s, %s: %w", oneLine(name), cliConfigFile, has, fs.ErrNotExist)
}

// profileModes are those that the SDK's provider takes, as of v1.63.107.
func profileModes() []string {
	return []string{"AK", "StsToken", "RamRoleArn", "EcsRamRole", "OIDC", "ChainableRamRoleArn"}
}

// errCircle marks what must not reach the SDK.
var errCircle = errors.New("is its own source, through source_profile")

// check follows a profile to the end of its source profiles. The SDK would
// follow a circle until the stack overflows, which ends the process.
func (c cliConfig) check(name string) error {
	var seen []string
	for {
		p, err := c.profile(name)
		switch {
		case err != nil:
			return err
		case !slices.Contains(profileModes(), p.Mode):
			return fmt.Errorf("profile %q of %s has the mode %q; enitune can use %s",
				oneLine(name), cliConfigFile, oneLine(p.Mode), strings.Join(profileModes(), ", "))
		case p.Mode != "ChainableRamRoleArn":
			return nil
		}
		seen = append(seen, name)
		if slices.Contains(seen, p.SourceProfile) {
			return fmt.Errorf("profile %q of %s %w", oneLine(name), cliConfigFile, errCircle)
		}
		name = p.SourceProfile
	}
}

// checkProfile finds the faults of a profile that was named.
func checkProfile(name string) error {
	if strings.EqualFold(os.Getenv("ALIBABA_CLOUD_CLI_PROFILE_DISABLED"), "true") {
		return errors.New("ALIBABA_CLOUD_CLI_PROFILE_DISABLED=true forbids the use of profiles")
	}
	c, err := readCLIConfig()
	if err != nil {
		return err
	}
	return c.check(name)
}

// checkDefaultProfile finds a circle in the profile that the default chain would
// use. With all other faults the chain goes on to its next provider.
func checkDefaultProfile() error {
	if os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_ID") != "" && os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET") != "" {
		return nil // the chain goes no further
	}
	c, err := readCLIConfig()
	if err == nil {
		err = c.check(c.effective(""))
	}
	if errors.Is(err, errCircle) {
		return err
	}
	return nil
}

// withoutPath leaves out a file's full name, which may hold a user's name.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
