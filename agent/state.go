package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/enitune/enitune/internal/durable"
	"github.com/enitune/enitune/internal/regular"
)

// StateFile keeps the last good desired state over reboots and cloud outages.
type StateFile struct {
	// Path of the file, in a directory that exists or can be made.
	Path string
	// Machine identifies the (virtual) machine; a file written on another one,
	// as on a disk made from an image, is not used. "" where it cannot be read:
	// then only the instance id and the NICs' addresses protect.
	Machine string
}

const (
	stateVersion = 1
	// maxStateBytes is far above what the largest instance's ENIs take.
	maxStateBytes = 4 << 20
)

// envelope is a file: a body and what proves it whole.
type envelope struct {
	Version int             `json:"version"`
	SHA256  string          `json:"sha256"` // of the body's bytes, hexadecimal
	Body    json.RawMessage `json:"body"`
}

type stateBody struct {
	Machine string  `json:"machine,omitempty"`
	Desired Desired `json:"desired"`
}

// ErrStateUnusable is matched by errors of Load that mean: there is a file, and
// it is not to be used.
var ErrStateUnusable = errors.New("state file not used")

// Load reads the file. fs.ErrNotExist tells that there is none,
// ErrStateUnusable that it is broken, of another version or of another machine.
// A file is never changed or removed by Load.
func (f StateFile) Load() (Desired, error) {
	data, err := regular.Read(f.Path, maxStateBytes)
	if err != nil {
		return Desired{}, err
	}
	for _, path := range []string{filepath.Dir(f.Path), f.Path} {
		if err := guarded(path); err != nil {
			return Desired{}, fmt.Errorf("%w: %w", ErrStateUnusable, err)
		}
	}
	body, err := decodeState(data)
	if err == nil && body.Machine != "" && f.Machine != "" && body.Machine != f.Machine {
		err = errors.New("it was written on another machine (a disk made from an image?)")
	}
	if err != nil {
		return Desired{}, fmt.Errorf("%w: %s: %w; it is written anew when the cloud answers", ErrStateUnusable, f.Path, err)
	}
	return body.Desired, nil
}

// decodeState reads and checks the bytes of a state file.
func decodeState(data []byte) (stateBody, error) {
	var body stateBody
	if err := unseal(data, stateVersion, &body); err != nil {
		return stateBody{}, fmt.Errorf("not a state file: %w", err)
	}
	if err := body.Desired.check(); err != nil {
		return stateBody{}, err
	}
	return body, nil
}

func encodeState(body stateBody) ([]byte, error) { return seal(stateVersion, body) }

// seal encodes a body with what proves it whole.
func seal(version int, body any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(envelope{Version: version, SHA256: checksum(raw), Body: raw})
	return append(data, '\n'), err
}

// unseal reads a body that seal made, of the same version.
func unseal(data []byte, version int, body any) error {
	var env envelope
	if err := json.Unmarshal(data, &env); err != nil {
		return err
	}
	if env.Version != version {
		return fmt.Errorf("version %d, this enitune reads version %d", env.Version, version)
	}
	if sum := checksum(env.Body); sum != env.SHA256 {
		return errors.New("the checksum does not match, the file is damaged")
	}
	if err := json.Unmarshal(env.Body, body); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func checksum(body []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, body) == nil {
		body = compact.Bytes()
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Save replaces the file by one with d, atomically and durably: after a crash at
// any moment there is the old file or the new one.
func (f StateFile) Save(d Desired) error {
	d.FetchedAt = d.FetchedAt.UTC()
	data, err := encodeState(stateBody{Machine: f.Machine, Desired: d})
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	dir := filepath.Dir(f.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the state directory: %w", err)
	}
	if err := guarded(dir); err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	if err := durable.WriteFile(f.Path, data, fileMode); err != nil {
		return fmt.Errorf("the desired state is not kept on disk: %w", err)
	}
	return nil
}
