//go:build netns

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/doctor"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/world"
)

// doctor runs enitune doctor and reads its report.
func (h *host) doctor(args ...string) (doctor.Report, int) {
	h.t.Helper()
	res := h.run(append([]string{"doctor", "-o", "json"}, args...)...)
	var r doctor.Report
	dec := json.NewDecoder(strings.NewReader(res.Stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		h.t.Fatalf("doctor: %v\nstdout: %s\nstderr: %s", err, res.Stdout, res.Stderr)
	}
	return r, res.Code
}

// cloudVerdicts are the statuses of the checks that the simulated cloud decides;
// those of the machine that the tests run on are left out.
func cloudVerdicts(r doctor.Report) map[string]string {
	verdicts := map[string]string{}
	for _, f := range r.Findings {
		switch f.Check {
		case doctor.CheckMetadata, doctor.CheckIdentity, doctor.CheckEndpoint, doctor.CheckClock, doctor.CheckCredentials:
			verdicts[string(f.Check)] = f.Status.String()
		case doctor.CheckPermission:
			if strings.Contains(f.Object, ":Describe") {
				verdicts[f.Object] = f.Status.String()
			}
		}
	}
	return verdicts
}

// finding is the first of a check on an object.
func finding(t *testing.T, r doctor.Report, check doctor.Check, object string) doctor.Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Check == check && f.Object == object {
			return f
		}
	}
	t.Fatalf("no finding of %s %s in %+v", check, object, r.Findings)
	return doctor.Finding{}
}

// healthyCloud is what cloudVerdicts gives where nothing is wrong, changed by
// the given pairs.
func healthyCloud(changes ...string) map[string]string {
	verdicts := map[string]string{
		"metadata": "ok", "identity": "ok", "endpoint": "ok", "clock": "ok", "credentials": "ok",
		"ecs:DescribeNetworkInterfaces": "ok", "ecs:DescribeInstanceTypes": "ok",
		"ecs:DescribeNetworkInterfaceAttribute": "ok", "ecs:DescribeInstances": "ok",
	}
	for i := 0; i < len(changes); i += 2 {
		verdicts[changes[i]] = changes[i+1]
	}
	return verdicts
}

func TestDoctorNamesWhatTheCloudLacks(t *testing.T) {
	denied := func(action string) ecssim.Fault {
		return ecssim.Fault{Target: ecssim.TargetECS, Match: action, HTTPStatus: 403, Code: "Forbidden.RAM", Message: "User not authorized to operate on the specified resource."}
	}
	const unasked = "note"
	tests := []struct {
		name   string
		spoil  func(h *host)
		want   map[string]string
		check  doctor.Check
		object string
		words  []string // in that finding's message and remedy
		code   int      // -1: as this machine's other findings have it
	}{
		{name: "nothing", spoil: func(*host) {}, want: healthyCloud(),
			check: doctor.CheckCredentials, words: []string{"RAM role of the instance, " + world.Role, "****"}, code: -1},
		{name: "the agent's permission", spoil: func(h *host) { h.cloud.SetFaults(denied("DescribeNetworkInterfaces")) },
			want:  healthyCloud("ecs:DescribeNetworkInterfaces", "fail"),
			check: doctor.CheckPermission, object: "ecs:DescribeNetworkInterfaces",
			words: []string{`"ecs:DescribeNetworkInterfaces"`, "the RAM role " + world.Role, "read-only-agent.json", "Forbidden.RAM"}, code: 1},
		{name: "the reader's permission", spoil: func(h *host) { h.cloud.SetFaults(denied("DescribeInstances")) },
			want:  healthyCloud("ecs:DescribeInstances", "note"),
			check: doctor.CheckPermission, object: "ecs:DescribeInstances", words: []string{"reader.json"}, code: -1},
		{name: "a role", spoil: func(h *host) { h.cloud.SetRole("") },
			want: healthyCloud("credentials", "fail", "ecs:DescribeNetworkInterfaces", unasked, "ecs:DescribeInstanceTypes", unasked,
				"ecs:DescribeNetworkInterfaceAttribute", unasked, "ecs:DescribeInstances", unasked),
			check: doctor.CheckCredentials, words: []string{"no RAM role is attached", "AttachInstanceRamRole"}, code: 1},
		{name: "credentials that are still good", spoil: func(h *host) {
			h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Match: "Describe*", HTTPStatus: 403, Code: "InvalidSecurityToken.Expired", Message: "Specified SecurityToken is expired."})
		},
			want: healthyCloud("credentials", "fail", "ecs:DescribeNetworkInterfaces", "fail", "ecs:DescribeInstanceTypes", unasked,
				"ecs:DescribeNetworkInterfaceAttribute", unasked, "ecs:DescribeInstances", unasked),
			check: doctor.CheckCredentials, words: []string{"not accepted", "InvalidSecurityToken.Expired"}, code: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHost(t)
			h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
			tt.spoil(h)
			r, code := h.doctor()
			if d := cmp.Diff(tt.want, cloudVerdicts(r)); d != "" {
				t.Errorf("verdicts (-want +got):\n%s", d)
			}
			f := finding(t, r, tt.check, tt.object)
			for _, word := range tt.words {
				if !strings.Contains(f.Message+" -> "+f.Remedy, word) {
					t.Errorf("%q is not in: %s -> %s", word, f.Message, f.Remedy)
				}
			}
			if tt.code >= 0 && code != tt.code || code != r.ExitCode() {
				t.Errorf("exit %d, the report's %d, want %d", code, r.ExitCode(), tt.code)
			}
		})
	}
}

func TestDoctorGoesOnWithoutTheCloud(t *testing.T) {
	h := newHost(t)
	h.down()
	r, code := h.doctor()
	if f := finding(t, r, doctor.CheckMetadata, ""); code != 1 || f.Status != doctor.Fail || !strings.Contains(f.Remedy, "latest/api/token") {
		t.Errorf("exit %d, %+v", code, f)
	}
	if f := finding(t, r, doctor.CheckPermission, "ecs:DescribeInstances"); f.Status != doctor.Note {
		t.Errorf("%+v", f)
	}
	h.configure("cloud: {region: " + world.Region + ", instance_id: " + world.InstanceID + "}")
	r, _ = h.doctor()
	if f := finding(t, r, doctor.CheckMetadata, ""); f.Status != doctor.Warn {
		t.Errorf("with region and instance_id set: %+v", f)
	}
	if f := finding(t, r, doctor.CheckEndpoint, ""); f.Status != doctor.Fail || !strings.Contains(f.Message, world.ECSHost) {
		t.Errorf("%+v", f)
	}
}

func TestAProxyForHTTPDoesNotGetTheRolesCredentials(t *testing.T) {
	h := newHost(t)
	h.env = append(h.env, "HTTP_PROXY=http://user:canarysecret@127.0.0.1:9", "NO_PROXY=")
	r, _ := h.doctor()
	for _, c := range []doctor.Check{doctor.CheckProxy, doctor.CheckCredentials} {
		if f := finding(t, r, c, ""); f.Status != doctor.OK {
			t.Errorf("%+v", f)
		}
	}
}

func TestDoctorJudgesTheDaemonAndItsAddress(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	const address = "127.0.0.1:10056"
	r, _ := h.doctor()
	if f := finding(t, r, doctor.CheckListen, address); f.Status != doctor.OK || f.Message != "free" {
		t.Errorf("%+v", f)
	}
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	r, _ = h.doctor()
	if f := finding(t, r, doctor.CheckListen, address); f.Status != doctor.OK || f.Message != "the daemon listens here" {
		t.Errorf("%+v", f)
	}
	if f := finding(t, r, doctor.CheckDaemon, ""); f.Status != doctor.OK {
		t.Errorf("%+v", f)
	}
	if f := finding(t, r, doctor.CheckState, ""); f.Status != doctor.OK || !strings.Contains(f.Message, world.InstanceID) {
		t.Errorf("%+v", f)
	}
	h.env = append(h.env, "RUNTIME_DIRECTORY="+t.TempDir()) // where no daemon answers
	r, code := h.doctor()
	if f := finding(t, r, doctor.CheckListen, address); code != 1 || f.Status != doctor.Fail {
		t.Errorf("exit %d, %+v", code, f)
	}
}

func TestDoctorReportsAFaultyConfigurationAndGoesOn(t *testing.T) {
	h := newHost(t)
	h.configure("cluod: {}")
	r, code := h.doctor()
	f := finding(t, r, doctor.CheckConfig, filepath.Join(h.dir, "config.yaml"))
	if code != 1 || f.Status != doctor.Fail || !strings.Contains(f.Message, "cluod: unknown key") {
		t.Errorf("exit %d, %+v", code, f)
	}
	if f := finding(t, r, doctor.CheckMetadata, ""); f.Status != doctor.OK {
		t.Errorf("%+v", f)
	}
}

// TestDoctorWithoutPrivileges runs it as a user who is not mapped, and so has
// no right to anything.
func TestDoctorWithoutPrivileges(t *testing.T) {
	h := newHost(t)
	res := h.runUnprivileged("doctor", "-o", "json")
	var r doctor.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		t.Fatalf("%v: %s", err, res.Stderr)
	}
	if f := finding(t, r, doctor.CheckCapabilities, ""); f.Status != doctor.Warn || !strings.Contains(f.Remedy, "sudo enitune doctor") {
		t.Errorf("%+v", f)
	}
	if d := cmp.Diff(healthyCloud("ecs:DescribeNetworkInterfaceAttribute", "note"), cloudVerdicts(r)); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
	if res.Code != 2 {
		t.Errorf("exit %d", res.Code)
	}
}

// runUnprivileged runs enitune as a user without a capability.
func (h *host) runUnprivileged(args ...string) world.Result {
	h.t.Helper()
	cmd := h.command(args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 1000, HostID: 0, Size: 1}},
		Credential:  &syscall.Credential{Uid: 1000, Gid: 1000, NoSetGroups: true},
	}
	return world.Finish(h.t, cmd)
}

// TestAStateFolderThatOnlyTheServiceCanEnterIsNoFault: with DynamicUser= that is
// how every other user finds it.
func TestAStateFolderThatOnlyTheServiceCanEnterIsNoFault(t *testing.T) {
	h := newHost(t)
	private := filepath.Join(h.dir, "state")
	if err := os.Mkdir(private, 0); err != nil {
		t.Fatal(err)
	}
	text := "state_dir: " + filepath.Join(private, "enitune") + "\n"
	if err := os.WriteFile(filepath.Join(h.dir, "config.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if res := h.runUnprivileged("config", "check"); res.Code != 0 {
		t.Errorf("config check: %+v", res)
	}
	if res := h.runUnprivileged("doctor"); strings.Contains(res.Stdout, "choose another folder") {
		t.Errorf("doctor: %s", res.Stdout)
	}
}

func TestDoctorSaysWhoseCredentialsAreUsedAndNeverTheSecret(t *testing.T) {
	h := newHost(t)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	const id, secret = "LTAIcanaryidABCD", "canarysecret"
	h.cloud.AddAccessKey(id, secret)
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".aliyun"), 0o700); err != nil {
		t.Fatal(err)
	}
	profiles := `{"current":"other","profiles":[{"name":"other","mode":"AK","access_key_id":"x","access_key_secret":"y"},
		{"name":"ops","mode":"AK","access_key_id":"` + id + `","access_key_secret":"` + secret + `","region_id":"cn-hangzhou"}]}`
	if err := os.WriteFile(filepath.Join(home, ".aliyun", "config.json"), []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	h.env = append(h.env, "HOME="+home)
	res := h.run("doctor", "--profile", "ops", "--log-level", "debug")
	const want = "ok    credentials: from the profile of the aliyun CLI (~/.aliyun/config.json) (cli_profile/static_ak), access key id ****ABCD"
	if !strings.Contains(res.Stdout, want) {
		t.Errorf("%q is not in:\n%s", want, res.Stdout)
	}
	for _, args := range [][]string{{"doctor"}, {"doctor", "--profile", "ops"}, {"doctor", "--profile", "none"}, {"plan", "--profile", "none"}} {
		res := h.run(append(args, "--log-level", "debug")...)
		if out := res.Stdout + res.Stderr; strings.Contains(out, secret) || strings.Contains(out, id) {
			t.Errorf("%v tells a secret:\n%s", args, out)
		}
		if args[len(args)-1] == "none" && !strings.Contains(res.Stdout, `profile "none" is not in ~/.aliyun/config.json, it has other, ops`) {
			t.Errorf("%v:\n%s%s", args, res.Stdout, res.Stderr)
		}
	}
	if r, code := h.report("plan", "--profile", "ops"); code == 1 {
		t.Errorf("plan --profile: exit %d, %+v", code, r.Errors)
	}
}

func TestRefreshMakesTheDaemonTakeANewDesiredValue(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 2))
	if res := h.run("refresh"); res.Code != 1 || !strings.Contains(res.Stderr, "no daemon answers") {
		t.Errorf("without a daemon: exit %d, %s", res.Code, res.Stderr)
	}
	d := h.start()
	d.Await("eth1 queues: 1 -> 2")
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	r, code := h.report("refresh")
	if code != 0 && code != 2 { // 2: the report of the read came before that of the write
		t.Errorf("exit %d, %+v", code, r.Errors)
	}
	if got := world.Setting(r, "eth1", nic.Queues); got.Desired != 4 {
		t.Errorf("%+v", got)
	}
	d.Await("eth1 queues: 2 -> 4")
	h.down()
	res := h.run("refresh")
	if res.Code != 1 || !strings.Contains(res.Stderr, "could not read the cloud") {
		t.Errorf("without a cloud: exit %d, %s%s", res.Code, res.Stdout, res.Stderr)
	}
	if res := h.run("refresh", "--wait", "0"); res.Code != 0 || res.Stdout != "" {
		t.Errorf("--wait 0: exit %d, %s%s", res.Code, res.Stdout, res.Stderr)
	}
	if body, code := d.post("/-/refresh"); code != 404 {
		t.Errorf("over TCP: %d %s", code, body)
	}
}
