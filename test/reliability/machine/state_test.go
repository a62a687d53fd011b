//go:build netns

package machine

import (
	"os"
	"strings"
	"testing"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// remember has the instance know its ENI's queue number, with the NIC not in line.
func (i *instance) remember() (state string) {
	i.t.Helper()
	if res := i.run("apply"); res.Code != 0 {
		i.t.Fatalf("apply: %+v", res)
	}
	netns.SetChannels(i.t, device, 1)
	return read(i.t, i.state("state.json"))
}

// judge plans by what is in the state file. It must be refused, or say what it said
// when it was whole; nothing else may ever be wanted.
func (i *instance) judge(what string) (refused bool) {
	i.t.Helper()
	r, code := i.report("plan", "--offline")
	q := queues(r)
	told := complaint(r, agent.ComponentState) != ""
	switch {
	case told && code == 1 && q.Desired == 0:
		return true
	case !told && code == 2 && q.Desired == 4:
		return false
	}
	i.t.Errorf("%s: exit code %d, errors %v, wants %+v", what, code, r.Errors, q)
	return false
}

// Of the whole file each byte and bit is tried in the package agent; here some of
// them, on the way from the disk to the plan.
func TestADamagedStateFileIsRefusedOrMeansTheSame(t *testing.T) {
	i := newInstance(t)
	good := i.remember()
	if i.judge("undamaged") {
		t.Fatal("the undamaged file is refused")
	}
	const samples = 25
	for n := range samples {
		length := n * (len(good) - 1) / samples
		write(t, i.state("state.json"), good[:length])
		if !i.judge("cut off") {
			t.Errorf("%d bytes of %d are taken", length, len(good))
		}
		at := n*len(good)/samples + n%7
		flipped := []byte(good)
		flipped[at%len(good)] ^= 1 << (n % 8)
		write(t, i.state("state.json"), string(flipped))
		i.judge("a flipped bit")
	}
	i.channels(1)
}

func TestADaemonWithADamagedStateFileReadsTheCloudAndWritesItAnew(t *testing.T) {
	i := newInstance(t)
	good := i.remember()
	write(t, i.state("state.json"), good[:len(good)/2])
	write(t, i.state("drift.json"), "{")
	i.start()
	i.awaitChannels(4)
	world.Await(t, "the state on disk", func() (bool, any) {
		text := read(t, i.state("state.json"))
		return len(text) == len(good), text
	})
	if n := i.onDisk(); n != 4 {
		t.Errorf("%d queues on disk, want 4", n)
	}
}

func TestAStateFileOfANewerVersionIsRefusedAndKept(t *testing.T) {
	i := newInstance(t)
	newer := strings.Replace(i.remember(), `"version":1`, `"version":2`, 1)
	write(t, i.state("state.json"), newer)
	r, code := i.report("apply", "--offline")
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	complains(t, r, agent.ComponentState, "version 2, this enitune reads version 1")
	i.channels(1)
	if read(t, i.state("state.json")) != newer {
		t.Error("the file has changed")
	}
	if code := i.run("apply").Code; code != 0 || i.onDisk() != 4 {
		t.Errorf("with the cloud: exit code %d, %d queues on disk", code, i.onDisk())
	}
	i.channels(4)
}

func TestTheStateFileOfAClonedInstanceIsNotUsed(t *testing.T) {
	// serial has enitune read a machine's serial number, as the unit does.
	serial := func(i *instance, number string) {
		i.t.Helper()
		if err := os.MkdirAll(i.path("credentials"), 0o700); err != nil {
			i.t.Fatal(err)
		}
		write(i.t, i.path("credentials", "machine-serial"), number)
		i.env = append(i.env, "CREDENTIALS_DIRECTORY="+i.path("credentials"))
	}
	clone := func(i *instance) {
		i.cloud.SetInstance(ecssim.Instance{ID: "i-bp1clone000000000001", Region: world.Region, Zone: world.Region + "-i", Type: world.InstanceType, Owner: "1234567890123456", RoleName: world.Role})
	}
	t.Run("without the metadata service, by the machine's serial number", func(t *testing.T) {
		i := newInstance(t)
		serial(i, "11111111-2222-3333-4444-555555555555")
		i.remember()
		serial(i, "66666666-2222-3333-4444-555555555555")
		i.down()
		r, code := i.report("apply")
		if code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		complains(t, r, agent.ComponentState, "written on another machine")
		i.channels(1)
	})
	t.Run("with the metadata service, by the instance's id", func(t *testing.T) {
		i := newInstance(t)
		i.remember()
		clone(i)
		r, code := i.report("apply") // the API has no ENI of the clone
		if q := queues(r); q.Desired != 0 {
			t.Errorf("exit code %d, wants %v of the other instance", code, q.Desired)
		}
		i.channels(1)
	})
	t.Run("with the metadata service alone", func(t *testing.T) {
		i := newInstance(t)
		i.remember()
		clone(i)
		i.configure(`cloud: {ecs_endpoint: "http://127.0.0.1:1"}`) // nobody is there
		r, code := i.report("apply")
		if code != 1 {
			t.Errorf("exit code %d, want 1", code)
		}
		complains(t, r, agent.ComponentState, "this is i-bp1clone")
		i.channels(1)
	})
}
