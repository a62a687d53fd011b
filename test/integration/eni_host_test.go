//go:build netns

package integration

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/internal/enireport"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/pty"
	"github.com/enitune/enitune/test/world"
)

const (
	gatewayID   = "i-bp1gateway0000000001"
	gatewayType = "ecs.g8i.2xlarge" // 8 queues an ENI, 16 in all
	accessKey   = "LTAIoperator"
	secretKey   = "operatorsecret"
)

// newOperator makes a machine of an operator: no instance, no metadata service,
// an access key in the environment. The cloud has one more instance, the gateway,
// with its primary ENI and eni-g, which has 4 queues.
func newOperator(t *testing.T) *host {
	t.Helper()
	netns.BindHosts(t, map[string]string{world.PublicECSHost: "127.0.0.1"})
	h := &host{t: t, cloud: world.New(), dir: t.TempDir()}
	var ca string
	ca, h.down = world.Serve(t, h.cloud, "127.0.0.2", "127.0.0.1")
	h.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "HOME="+h.dir, "RUNTIME_DIRECTORY="+h.dir, world.RaceOptions,
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+accessKey, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+secretKey, "ALIBABA_CLOUD_REGION_ID="+world.Region)
	h.configure("")
	h.cloud.AddAccessKey(accessKey, secretKey)
	h.addGateway()
	return h
}

// addGateway adds the gateway, which is running.
func (h *host) addGateway() {
	h.cloud.PutInstanceType(ecssim.InstanceType{InstanceTypeID: gatewayType, InstanceTypeFamily: "ecs.g8i", EniQuantity: new(4),
		PrimaryEniQueueNumber: new(4), SecondaryEniQueueNumber: new(4), MaximumQueueNumberPerEni: new(8), TotalEniQueueQuantity: new(16), EriQuantity: new(1), QueuePairNumber: new(8)})
	h.cloud.PutInstance(ecssim.Instance{ID: gatewayID, Region: world.Region, Zone: world.Region + "-i", Type: gatewayType, Owner: "1234567890123456"})
	for _, e := range []ecssim.ENI{
		{ID: "eni-gp", MAC: "00:16:3e:00:01:01", Type: ecssim.TypePrimary, InstanceID: gatewayID, QueueNumber: new(4)},
		{ID: "eni-g", MAC: "00:16:3e:00:01:02", Type: ecssim.TypeSecondary, InstanceID: gatewayID, QueueNumber: new(4), DeviceIndex: 1, SecurityGroupIDs: []string{"sg-old"}},
	} {
		h.cloud.PutENI(e)
	}
}

func (h *host) stopGateway() {
	h.t.Helper()
	if err := h.cloud.UpdateInstance(gatewayID, func(in *ecssim.Instance) { in.Status = ecssim.InstanceStopped }); err != nil {
		h.t.Fatal(err)
	}
}

// change runs `eni set` and reads its document.
func (h *host) change(args ...string) (enireport.Change, world.Result) {
	h.t.Helper()
	var doc enireport.Change
	res := h.document(&doc, append([]string{"eni", "set"}, args...)...)
	return doc, res
}

// document runs a command with -o json and reads what it prints, strictly.
func (h *host) document(v any, args ...string) world.Result {
	h.t.Helper()
	res := h.run(append(args, "-o", "json")...)
	dec := json.NewDecoder(strings.NewReader(res.Stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		h.t.Fatalf("enitune %v: exit %d, %v\nstdout: %s\nstderr: %s", args, res.Code, err, res.Stdout, res.Stderr)
	}
	return res
}

// sent lists the parameters of the requests of an action, without those that
// every request has.
func (h *host) sent(action string) []map[string]string {
	var list []map[string]string
	for _, r := range h.cloud.Requests() {
		if r.Action != action {
			continue
		}
		params := maps.Clone(r.Params)
		maps.DeleteFunc(params, func(name, _ string) bool {
			switch name {
			case "Action", "Version", "Format", "RegionId", "Timestamp", "AccessKeyId":
				return true
			}
			return strings.HasPrefix(name, "Signature")
		})
		list = append(list, params)
	}
	return list
}

func (h *host) modifications() []map[string]string {
	return h.sent("ModifyNetworkInterfaceAttribute")
}

// eni is an ENI as the cloud has it.
func (h *host) eni(id string) ecssim.ENI {
	h.t.Helper()
	e, err := h.cloud.ENI(id)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// atTerminal runs a command on a terminal of its own and answers its question.
// It gives what the terminal showed and the exit code.
func (h *host) atTerminal(answer string, args ...string) (shown string, code int) {
	h.t.Helper()
	person, program := pty.Open(h.t)
	cmd := h.command(args...)
	cmd.Env = append(cmd.Env, "TERM=xterm")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	if err := program.Close(); err != nil {
		h.t.Fatal(err)
	}
	var b strings.Builder
	buf := make([]byte, 4096)
	for answered := false; ; {
		n, err := person.Read(buf) // EIO once the program has closed its end
		b.Write(buf[:n])
		if !answered && strings.Contains(b.String(), "[y/N] ") {
			answered = true
			if _, err := person.WriteString(answer); err != nil {
				h.t.Fatal(err)
			}
		}
		if err != nil {
			break
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

// write makes a file in the host's folder.
func (h *host) write(name, text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}
