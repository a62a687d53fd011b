//go:build netns

package integration

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/internal/enireport"
	"github.com/enitune/enitune/test/world"
)

const modify = "ModifyNetworkInterfaceAttribute"

// TestAnOperatorGetsFromFourToEightQueues goes the way on which the messages
// lead: the refusal names the commands, and after them the same command works.
func TestAnOperatorGetsFromFourToEightQueues(t *testing.T) {
	h := newOperator(t)
	res := h.run("eni", "set", "eni-g", "--queues", "8", "--yes")
	if res.Code != 2 || len(h.modifications()) != 0 {
		t.Fatalf("on a running instance: exit %d, %d requests\n%s", res.Code, len(h.modifications()), res.Stdout)
	}
	for _, part := range []string{"queue_number  4 -> 8", "aliyun ecs StopInstance --InstanceId " + gatewayID, "StartInstance", "nothing was sent"} {
		if !strings.Contains(res.Stdout, part) {
			t.Errorf("%q is not in:\n%s", part, res.Stdout)
		}
	}
	h.stopGateway()
	res = h.run("eni", "set", "eni-g", "--queues", "8", "--yes", "--wait")
	if res.Code != 0 || *h.eni("eni-g").QueueNumber != 8 {
		t.Fatalf("on a stopped instance: exit %d\n%s%s", res.Code, res.Stdout, res.Stderr)
	}
	for _, part := range []string{"changed", "the API shows it", "next start the instance: aliyun ecs StartInstance --InstanceId " + gatewayID} {
		if !strings.Contains(res.Stdout, part) {
			t.Errorf("%q is not in:\n%s", part, res.Stdout)
		}
	}
	if diff := cmp.Diff([]map[string]string{{"NetworkInterfaceId": "eni-g", "QueueNumber": "8"}}, h.modifications()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	res = h.run("eni", "set", "eni-g", "--queues", "8")
	if res.Code != 0 || !strings.Contains(res.Stdout, "nothing to change") || len(h.modifications()) != 1 {
		t.Errorf("again: exit %d, %d requests\n%s%s", res.Code, len(h.modifications()), res.Stdout, res.Stderr)
	}
}

func TestEveryParameterReachesTheAPI(t *testing.T) {
	h := newOperator(t)
	h.cloud.PutENI(ecssim.ENI{ID: "eni-free", MAC: mac3, Region: world.Region})
	for _, tt := range []struct {
		args string
		want map[string]string
	}{
		{"--name gateway-1 --description front", map[string]string{"NetworkInterfaceName": "gateway-1", "Description": "front"}},
		{"--security-group sg-1 --security-group sg-2", map[string]string{"SecurityGroupId.1": "sg-1", "SecurityGroupId.2": "sg-2"}},
		{"--delete-on-release true --source-dest-check=true", map[string]string{"DeleteOnRelease": "true", "SourceDestCheck": "true"}},
		{"--queues 8", map[string]string{"QueueNumber": "8"}},
		{"--rx-queue-size 8192 --tx-queue-size 8192", map[string]string{"RxQueueSize": "8192", "TxQueueSize": "8192"}},
		{"--tcp-established-timeout 300 --tcp-closed-time-wait-timeout 15 --udp-timeout 60", map[string]string{
			"ConnectionTrackingConfiguration.TcpEstablishedTimeout": "300", "ConnectionTrackingConfiguration.TcpClosedAndTimeWaitTimeout": "15",
			"ConnectionTrackingConfiguration.UdpTimeout": "60"}},
		{"--sriov true --vf-queues 16 --vf-count 4", map[string]string{"EnhancedNetwork.EnableSriov": "true",
			"EnhancedNetwork.VirtualFunctionTotalQueueNumber": "16", "EnhancedNetwork.VirtualFunctionQuantity": "4"}},
		{"--rss false", map[string]string{"EnhancedNetwork.EnableRss": "false"}},
		{"--traffic-queues 6 --traffic-rx-queue-size 16384 --traffic-tx-queue-size 16384", map[string]string{
			"NetworkInterfaceTrafficConfig.QueueNumber": "6", "NetworkInterfaceTrafficConfig.RxQueueSize": "16384", "NetworkInterfaceTrafficConfig.TxQueueSize": "16384"}},
		{"--traffic-mode HighPerformance --queue-pairs 4", map[string]string{
			"NetworkInterfaceTrafficConfig.NetworkInterfaceTrafficMode": "HighPerformance", "NetworkInterfaceTrafficConfig.QueuePairNumber": "4"}},
	} {
		h.cloud.ResetRequests()
		doc, res := h.change(append([]string{"eni-free", "--yes"}, strings.Fields(tt.args)...)...)
		if res.Code != 0 || doc.Result != enireport.ResultChanged {
			t.Errorf("%s: exit %d, %s %+v", tt.args, res.Code, res.Stderr, doc.Findings)
		}
		tt.want["NetworkInterfaceId"] = "eni-free"
		if diff := cmp.Diff([]map[string]string{tt.want}, h.modifications()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.args, diff)
		}
	}
}

func TestADryRunSendsNothingAndShowsTheRequest(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	doc, res := h.change("eni-g", "--queues", "8", "--name", "gateway", "--dry-run")
	want := map[string]string{"Action": modify, "NetworkInterfaceId": "eni-g", "RegionId": world.Region, "QueueNumber": "8", "NetworkInterfaceName": "gateway"}
	if diff := cmp.Diff(want, doc.Request); diff != "" || res.Code != 0 || doc.Result != enireport.ResultPlanned {
		t.Errorf("exit %d, %s (-want +got):\n%s", res.Code, doc.Result, diff)
	}
	text := h.run("eni", "set", "eni-g", "--queues", "8", "--dry-run").Stdout
	if !strings.Contains(text, "\n  QueueNumber=8\n") || !strings.Contains(text, "dry run: nothing was sent") {
		t.Errorf("the request is not in:\n%s", text)
	}
	if n := len(h.modifications()); n != 0 || *h.eni("eni-g").QueueNumber != 4 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestFlagsOutdoTheFile(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	file := h.write("change.yaml", "queue_number: 6\nname: gateway\n")
	if _, res := h.change("eni-g", "--file", file, "--queues", "8", "--yes"); res.Code != 0 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	want := []map[string]string{{"NetworkInterfaceId": "eni-g", "QueueNumber": "8", "NetworkInterfaceName": "gateway"}}
	if diff := cmp.Diff(want, h.modifications()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	cmd := h.command("eni", "set", "eni-g", "-f", "-", "--yes")
	cmd.Stdin = strings.NewReader("description: from standard input\n")
	if res := world.Finish(h.t, cmd); res.Code != 0 || h.eni("eni-g").Description != "from standard input" {
		t.Errorf("exit %d: %s", res.Code, res.Stderr)
	}
}

func TestForcePassesWarningsAndTheAPIDecides(t *testing.T) {
	h := newOperator(t)
	res := h.run("eni", "set", "eni-g", "--queues", "8", "--force", "--yes")
	if res.Code != 1 || !strings.Contains(res.Stderr, "InvalidOperation.InvalidEniState") || len(h.modifications()) != 1 {
		t.Errorf("exit %d, %d requests: %s", res.Code, len(h.modifications()), res.Stderr)
	}
	h.stopGateway()
	if res := h.run("eni", "set", "eni-g", "--queues", "4", "--force", "--yes"); res.Code != 0 || len(h.modifications()) != 2 {
		t.Errorf("what holds, by force: exit %d, %d requests", res.Code, len(h.modifications()))
	}
	if res := h.run("eni", "set", "eni-g", "--rx-queue-size", "8192", "--force", "--yes"); res.Code != 2 || len(h.modifications()) != 2 {
		t.Errorf("a malformed value, by force: exit %d, %d requests", res.Code, len(h.modifications()))
	}
}

func TestThrottlingIsWaitedOut(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Match: modify, Code: "Throttling.User", Message: "slow down", Remaining: 2})
	if doc, res := h.change("eni-g", "--queues", "8", "--yes"); res.Code != 0 || doc.Result != enireport.ResultChanged || len(h.modifications()) != 3 {
		t.Errorf("exit %d, %s after %d requests: %s", res.Code, doc.Result, len(h.modifications()), res.Stderr)
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	h.cloud.Deny(modify)
	doc, res := h.change("eni-g", "--queues", "8", "--yes")
	if res.Code != 1 || doc.Result != enireport.ResultFailed || !strings.Contains(res.Stderr, "ecs:"+modify) || *h.eni("eni-g").QueueNumber != 4 {
		t.Errorf("exit %d, %s: %s", res.Code, doc.Result, res.Stderr)
	}
	h.cloud.Deny("DescribeInstances", "DescribeInstanceTypes")
	doc, res = h.change("eni-g", "--queues", "8", "--yes")
	if res.Code != 0 || doc.Result != enireport.ResultChanged || doc.Findings[0].Rule != "not-checked" || !strings.Contains(doc.Findings[0].Remedy, "ecs:DescribeInstances") {
		t.Errorf("without what only the checks need: exit %d, %s: %s %+v", res.Code, doc.Result, res.Stderr, doc.Findings)
	}
}

func TestRingSizesAreRecordedInTagsUnlessThatIsDenied(t *testing.T) {
	h := newOperator(t)
	h.cloud.Deny("TagResources")
	set := []string{"eni-g", "--rx-queue-size", "8192", "--tx-queue-size", "8192", "--yes", "--wait"}
	doc, res := h.change(set...)
	statement := `{"Effect": "Allow", "Action": "ecs:TagResources", "Resource": "acs:ecs:cn-hangzhou:*:eni/eni-g"}`
	if res.Code != 3 || doc.Result != enireport.ResultChanged || doc.TagError == "" || doc.Shown != nil || !strings.Contains(res.Stderr, statement) {
		t.Errorf("denied: exit %d, %+v: %s", res.Code, doc, res.Stderr)
	}
	if *h.eni("eni-g").RxQueueSize != 8192 || len(h.eni("eni-g").Tags) != 0 {
		t.Errorf("the cloud has %+v", h.eni("eni-g"))
	}
	h.cloud.Deny()
	if _, res = h.change(append(set, "--no-tags")...); res.Code != 0 || len(h.eni("eni-g").Tags) != 0 {
		t.Errorf("--no-tags: exit %d, tags %v", res.Code, h.eni("eni-g").Tags)
	}
	if _, res = h.change(set...); res.Code != 0 {
		t.Errorf("allowed: exit %d: %s", res.Code, res.Stderr)
	}
	want := map[string]string{"enitune:rx-queue-size": "8192", "enitune:tx-queue-size": "8192"}
	if diff := cmp.Diff(want, h.eni("eni-g").Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestTagsOfRingSizesThatTheENIHasAreSetAlone(t *testing.T) {
	h := newOperator(t)
	if err := h.cloud.UpdateENI("eni-g", func(e *ecssim.ENI) { e.RingsInReply = ecssim.RingsTopLevel }); err != nil {
		t.Fatal(err)
	}
	set := []string{"eni-g", "--rx-queue-size", "16384", "--tx-queue-size", "16384", "--yes", "--wait"}
	if _, res := h.change(append(set, "--no-tags")...); res.Code != 0 || len(h.modifications()) != 1 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	h.cloud.Deny("TagResources")
	doc, res := h.change(set...)
	if res.Code != 1 || doc.Result != enireport.ResultFailed || !strings.Contains(res.Stderr, "ecs:TagResources") || strings.Contains(res.Stderr, "was changed") {
		t.Errorf("denied: exit %d, %s: %s", res.Code, doc.Result, res.Stderr)
	}
	h.cloud.Deny()
	doc, res = h.change(set...)
	if res.Code != 0 || doc.Result != enireport.ResultChanged || doc.Request != nil || len(h.modifications()) != 1 {
		t.Errorf("allowed: exit %d, %+v, %d requests: %s", res.Code, doc, len(h.modifications()), res.Stderr)
	}
	want := map[string]string{"enitune:rx-queue-size": "16384", "enitune:tx-queue-size": "16384"}
	if diff := cmp.Diff(want, h.eni("eni-g").Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if doc, res = h.change(set...); res.Code != 0 || doc.Result != enireport.ResultUnchanged {
		t.Errorf("again: exit %d, %s", res.Code, doc.Result)
	}
}

func TestAChangeReadsOnlyWhatItsRulesLookAt(t *testing.T) {
	h := newOperator(t)
	h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Match: "DescribeInstance*", HTTPStatus: 503, Code: "ServiceUnavailable"})
	if doc, res := h.change("eni-g", "--name", "gateway", "--yes"); res.Code != 0 || doc.Result != enireport.ResultChanged || len(doc.Findings) != 0 {
		t.Errorf("exit %d, %+v: %s", res.Code, doc, res.Stderr)
	}
}

func TestADocumentTellsAlsoOfAnEarlyFailure(t *testing.T) {
	h := newOperator(t)
	doc, res := h.change("eni-none", "--queues", "8", "--yes")
	if res.Code != 1 || doc.Result != enireport.ResultFailed || doc.ENI != "eni-none" || doc.Region != world.Region ||
		!strings.Contains(doc.Error, "InvalidEniId.NotFound") || !strings.Contains(res.Stderr, doc.Error) {
		t.Errorf("no such ENI: exit %d, %+v: %s", res.Code, doc, res.Stderr)
	}
	doc, res = h.change("eni-g", "--queues", "8", "--yes", "--profile", "none")
	if res.Code != 1 || doc.Result != enireport.ResultFailed || doc.ENI != "eni-g" || !strings.Contains(doc.Error, "no credentials") {
		t.Errorf("no such profile: exit %d, %+v: %s", res.Code, doc, res.Stderr)
	}
}

func TestALostAnswerIsLookedIntoBeforeAnythingIsRepeated(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	lost := ecssim.Fault{Target: ecssim.TargetECS, Match: modify, Processed: true, Drop: true, Remaining: 1}
	h.cloud.SetFaults(lost)
	if doc, res := h.change("eni-g", "--queues", "8", "--yes"); res.Code != 0 || doc.Result != enireport.ResultChanged || len(h.modifications()) != 1 {
		t.Errorf("queues: exit %d, %s after %d requests: %s", res.Code, doc.Result, len(h.modifications()), res.Stderr)
	}
	h.cloud.ResetRequests()
	h.cloud.SetFaults(lost)
	doc, res := h.change("eni-g", "--rx-queue-size", "8192", "--tx-queue-size", "8192", "--yes")
	if res.Code != 5 || doc.Result != enireport.ResultUnknown || len(h.modifications()) != 1 || len(h.eni("eni-g").Tags) != 0 {
		t.Errorf("rings: exit %d, %s after %d requests: %s", res.Code, doc.Result, len(h.modifications()), res.Stderr)
	}
	if !strings.Contains(res.Stderr, "not known whether") || !strings.Contains(res.Stderr, "the same command again") {
		t.Errorf("nothing says how to go on: %s", res.Stderr)
	}
}

func TestWaitGoesOnUntilTheChangeShowsOrTheTimeIsUp(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	h.cloud.SetLag(ecssim.Lag{Reads: 3})
	if doc, res := h.change("eni-g", "--queues", "8", "--yes", "--wait"); res.Code != 0 || doc.Shown == nil || !*doc.Shown {
		t.Errorf("exit %d, %+v: %s", res.Code, doc, res.Stderr)
	}
	h.cloud.SetLag(ecssim.Lag{For: time.Hour})
	doc, res := h.change("eni-g", "--queues", "6", "--yes", "--wait", "--wait-timeout", "1s")
	if res.Code != 4 || doc.Result != enireport.ResultChanged || doc.Shown == nil || *doc.Shown {
		t.Errorf("exit %d, %+v", res.Code, doc)
	}
	if !strings.Contains(res.Stderr, "queue_number is 8, wanted 6") || !strings.Contains(res.Stderr, "after 1s") {
		t.Errorf("stderr: %s", res.Stderr)
	}
}

func TestWithoutATerminalNothingIsChangedUnlessYesIsGiven(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	doc, res := h.change("eni-g", "--queues", "8")
	if res.Code != 1 || doc.Result != enireport.ResultDeclined || !strings.Contains(res.Stderr, "--yes") || len(h.modifications()) != 0 {
		t.Errorf("exit %d, %s: %s", res.Code, doc.Result, res.Stderr)
	}
}

func TestOnATerminalTheChangeIsShownAndAskedFor(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	for _, tt := range []struct {
		name, answer string
		code, sent   int
		shown        string
	}{
		{"enter alone", "\n", 1, 0, "not confirmed"},
		{"no", "n\n", 1, 0, "not confirmed"},
		{"the end of the input", "\x04", 1, 0, "not confirmed"},
		{"an interrupt", "\x03", 1, 0, "interrupted; nothing was changed"},
		{"yes", "y\n", 0, 1, "changed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shown, code := h.atTerminal(tt.answer, "eni", "set", "eni-g", "--queues", "8", "--color", "never")
			if code != tt.code || len(h.modifications()) != tt.sent || !strings.Contains(shown, tt.shown) {
				t.Errorf("exit %d, %d requests, shown:\n%s", code, len(h.modifications()), shown)
			}
			review, asked := strings.Index(shown, "queue_number  4 -> 8"), strings.Index(shown, "Change eni-g? [y/N] ")
			if review < 0 || asked < review {
				t.Errorf("the change is not shown before the question:\n%s", shown)
			}
		})
	}
}

func TestTheQuestionIsAskedBesideADocument(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	shown, code := h.atTerminal("y\n", "eni", "set", "eni-g", "--queues", "8", "-o", "json")
	if code != 0 || !strings.Contains(shown, "queue_number  4 -> 8") || !strings.Contains(shown, `"result": "changed"`) {
		t.Errorf("exit %d, shown:\n%s", code, shown)
	}
}

func TestTheAgentInTheGuestTakesAnInUseChange(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 2))
	d := h.start()
	d.Await("eth1 queues: 1 -> 2")
	res := h.run("eni", "set", "eni-1", "--traffic-queues", "4", "--yes", "--wait")
	if res.Code != 0 || !strings.Contains(res.Stdout, "enitune refresh") {
		t.Fatalf("exit %d\n%s%s", res.Code, res.Stdout, res.Stderr)
	}
	if res := h.run("refresh"); res.Code != 0 {
		t.Fatalf("refresh: exit %d, %s", res.Code, res.Stderr)
	}
	d.Await("eth1 queues: 2 -> 4")
}

func TestBadInputOfTheENICommandsGetsOneLineAndExitCode1(t *testing.T) {
	h := newOperator(t)
	file := h.write("bad.yaml", "queues: 8\n")
	for _, tt := range []struct {
		args, want string
	}{
		{"eni show", "takes one ENI id, got 0 arguments"},
		{"eni show eni-g eni-gp", "takes one ENI id, got 2 arguments"},
		{"eni show i-1", `"i-1" is no ENI id: want eni-…`},
		{"eni show eni-a/b", "ENI id"},
		{"eni set eni-g", "nothing is asked for"},
		{"eni set eni-g --queues many", "--queues"},
		{"eni set eni-g --sriov maybe", "want true or false"},
		{"eni set eni-g --frob", "--frob"},
		{"eni set eni-g --file " + file, "bad.yaml:1:1: queues: unknown key"},
		{"eni set eni-g --file /nonexistent.yaml", "/nonexistent.yaml"},
		{"eni set eni-g --file -", "add --yes"},
		{"eni set eni-g --queues 8 --wait-timeout 0s", "--wait-timeout is 0s"},
		{"eni set eni-g --queues 8 --region Hangzhou", "Hangzhou"},
		{"eni list --all --instance i-1", "exclude each other"},
		{"eni list --endpoint-network intranet", "use vpc or public"},
		{"eni limits --instance-type ecs.none", "instance type ecs.none"},
		{"eni limits --instance i-none", "instance i-none"},
		{"eni show eni-g --profile none", "--profile"},
		{"eni frob", "frob"},
	} {
		res := h.run(strings.Fields(tt.args)...)
		if res.Code != 1 || !strings.Contains(res.Stderr, tt.want) || strings.Count(res.Stderr, "\n") != 1 || res.Stdout != "" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q, want one line with %q", tt.args, res.Code, res.Stdout, res.Stderr, tt.want)
		}
	}
}

func TestSecretsAppearInNoOutputOfTheENICommands(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	h.env = append(h.env, "ALIBABA_CLOUD_SECURITY_TOKEN=operatortoken", "DEBUG=sdk")
	check := func(res world.Result) {
		t.Helper()
		for _, canary := range []string{secretKey, "operatortoken", "Signature="} {
			if strings.Contains(res.Stdout+res.Stderr, canary) {
				t.Errorf("%q is in the output:\n%s%s", canary, res.Stdout, res.Stderr)
			}
		}
	}
	commands := [][]string{{"eni", "list", "--all"}, {"eni", "show", "eni-g"}, {"eni", "set", "eni-g", "--queues", "8", "--yes"}, {"eni", "set", "eni-g", "--queues", "8", "--dry-run"}}
	for _, f := range []ecssim.Fault{{}, {Target: ecssim.TargetECS, Drop: true}, {Target: ecssim.TargetECS, RawBody: `{"Code":7}`, HTTPStatus: 400},
		{Target: ecssim.TargetECS, Match: modify, Processed: true, Drop: true}} {
		if f.Target != "" {
			h.cloud.SetFaults(f)
			h.env = append(h.env, "ALIBABA_CLOUD_SECURITY_TOKEN=")
			commands = [][]string{{"eni", "set", "eni-g", "--queues", "8", "--yes"}}
		}
		for _, args := range commands {
			check(h.run(append(args, "--log-level", "debug")...))
		}
	}
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	h := newOperator(t)
	h.stopGateway()
	h.env = append(h.env, "NO_COLOR=")
	if res := h.run("eni", "set", "eni-g", "--queues", "8", "--dry-run"); strings.Contains(res.Stdout, "\x1b") {
		t.Errorf("colour in a pipe: %q", res.Stdout)
	}
	if _, err := os.Stat("/dev/ptmx"); err != nil {
		t.Fatal(err)
	}
	if shown, _ := h.atTerminal("", "eni", "set", "eni-g", "--queues", "8", "--dry-run"); !strings.Contains(shown, "\x1b[1m8\x1b[0m") {
		t.Errorf("no colour on a terminal: %q", shown)
	}
}
