//go:build lab

package scenarios

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

// cutsKey is the environment variable with the number of power cuts, for longer
// runs than the usual one.
const cutsKey = "ENITUNE_POWER_CUTS"

// perGuest is how many cuts one guest takes, and how many drives another one looks
// at afterwards.
const perGuest = 12

// hard makes the file system one that neither orders data before names nor writes
// data when a file is renamed, so that only the agent's own care helps.
const hard = "data=writeback,noauto_da_alloc"

// writer applies again and again and after each time tells, behind "kept", what is
// then on disk for good: when the desired state was read.
const writer = `while :; do
	enitune apply >/dev/null 2>&1 || exit 1
	echo kept $(sed 's/.*"fetched_at":"\([^"]*\)".*/\1/' /var/lib/enitune/state.json)
done`

// cut is what a power cut leaves.
type cut struct {
	drive *lab.Drive
	kept  string // the state that was on disk for good, by the time at which it was read
	amid  bool   // a write of the state was under way
}

// TestAPowerCutLosesNoStateThatWasKept cuts the power at random moments of writes
// of the state. What reaches the drive up to then is all that is left. The next
// boot finds the old state or the new one, whole, and heals the NIC from it without
// the cloud.
func TestAPowerCutLosesNoStateThatWasKept(t *testing.T) {
	cuts := perGuest
	if text := os.Getenv(cutsKey); text != "" {
		var err error
		if cuts, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	amid := 0
	for done := 0; done < cuts && !t.Failed(); done += perGuest {
		made := makeCuts(t, random, min(perGuest, cuts-done))
		for _, c := range made {
			if c.amid {
				amid++
			}
		}
		lookAtCuts(t, made)
	}
	t.Logf("%d cuts, %d of them during a write", cuts, amid)
}

// makeCuts has a guest write its state again and again, and cuts the power: of the
// drive while the guest is held, and at last of the guest.
func makeCuts(t *testing.T, random *rand.Rand, number int) []cut {
	t.Helper()
	drive := lab.NewDrive(t)
	i := boot(t, options{kernel: "6.12", drives: []*lab.Drive{drive}}, world.ENI("eni-0", mac0, 4))
	i.run("mkdir", "-p", "/var/lib/enitune")
	i.run("mount", "-t", "ext4", "-o", hard, "/dev/vda", "/var/lib/enitune")
	await := func(p *lab.Proc, pattern string) {
		t.Helper()
		ctx, stop := context.WithTimeout(t.Context(), patience)
		defer stop()
		if _, err := p.WaitLine(ctx, regexp.MustCompile(pattern)); err != nil {
			t.Fatal(err)
		}
	}
	watch := i.guest.Start(t.Context(), nil, "guesttool", "watch", "/var/lib/enitune")
	await(watch, "^watching")
	p := i.guest.Start(t.Context(), nil, "sh", "-c", writer)
	await(p, "^kept")
	var made []cut
	for n := range number {
		await(watch, `^created .*state\.json`)
		time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond) // a write takes about as long
		c := cut{drive: drive}
		if n < number-1 {
			i.guest.Pause(t)
			c.drive = drive.Copy(t)
		} else {
			i.guest.Kill()
		}
		c.kept, c.amid = lastKept(p.Stdout()), writing(watch.Stdout())
		made = append(made, c)
		if n < number-1 {
			i.guest.Resume(t)
		}
	}
	i.down()
	return made
}

// lastKept is the last state that the writer has told of.
func lastKept(told string) (kept string) {
	for line := range strings.Lines(told) {
		if state, ok := strings.CutPrefix(line, "kept "); ok && strings.HasSuffix(line, "\n") {
			kept = strings.TrimSpace(state)
		}
	}
	return kept
}

// writing tells whether the last that was seen of the state file is the beginning
// of a write.
func writing(seen string) bool {
	events := regexp.MustCompile(`(?m)^(created|renamed) .*state\.json`).FindAllStringSubmatch(seen, -1)
	return len(events) > 0 && events[len(events)-1][1] == "created"
}

// lookAtCuts boots a guest without a cloud, and has it start from what each cut has
// left.
func lookAtCuts(t *testing.T, made []cut) {
	t.Helper()
	o := options{kernel: "6.12", dark: true}
	for _, c := range made {
		o.drives = append(o.drives, c.drive)
	}
	i := boot(t, o)
	i.run("mkdir", "-p", "/var/lib/enitune")
	for n, c := range made {
		i.run("mount", "-t", "ext4", "/dev/vd"+string(rune('a'+n)), "/var/lib/enitune")
		i.survived(c.kept)
		if t.Failed() {
			t.Fatalf("cut %d of %d, %+v", n+1, len(made), c)
		}
		i.run("umount", "/var/lib/enitune")
	}
}

// survived looks at what a power cut has left: the state that was kept last, or a
// later one.
func (i *instance) survived(kept string) {
	i.t.Helper()
	i.run("ethtool", "-L", "eth0", "combined", "1")
	r, code := i.report("apply", "--offline")
	got := world.Setting(r, "eth0", nic.Queues)
	if code != 0 || i.combined("eth0") != 4 || len(r.Errors) > 0 || r.Desired.Origin != agent.OriginCache || got.Current != 4 {
		i.t.Errorf("apply --offline after the cut: exit %d, %d queues, %+v, %+v", code, i.combined("eth0"), r.Errors, got)
	}
	data, err := i.guest.ReadFile(i.t.Context(), statePath)
	if err != nil {
		i.t.Fatal(err)
	}
	var state struct {
		Body struct{ Desired agent.Desired }
	}
	if err := json.Unmarshal(bytes.TrimSpace(data), &state); err != nil {
		i.t.Fatalf("%v in %q", err, data)
	}
	before, err := time.Parse(time.RFC3339Nano, kept)
	if err != nil {
		i.t.Fatal(err)
	}
	if now := state.Body.Desired.FetchedAt; now.Before(before) {
		i.t.Errorf("the state on disk is of %v, and that of %v had been kept", now, before)
	}
	if files := strings.Fields(i.run("ls", "-A", "/var/lib/enitune")); len(files) > 6 {
		i.t.Errorf("litter: %v", files)
	}
}
