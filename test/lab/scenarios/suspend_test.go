//go:build lab

package scenarios

import (
	"testing"

	"github.com/enitune/enitune/test/world"
)

// TestASuspendedGuestIsInLineAfterItWakes stops the guest's processors from
// outside, and has the guest suspend itself to memory. Then the NIC loses what it
// was told and the driver makes its rings as long as it can, without an event: the
// next regular look finds that.
func TestASuspendedGuestIsInLineAfterItWakes(t *testing.T) {
	const config = `reconcile: {resync_interval: 5s, change_budget: {burst: 1000, per: 1s}}
nics: [{match: {device: eth0}, rx_ring: 512}]
`
	eachKernel(t, func(t *testing.T, kernel string) {
		i := boot(t, options{kernel: kernel, config: config}, world.ENI("eni-0", mac0, 4))
		s := &stage{i, i.start()}
		if got := s.rxRing("eth0"); got != 512 {
			t.Fatalf("the rx ring is %d, want 512 before the sleep", got)
		}
		t.Run("stopped by the host", func(t *testing.T) {
			s.t = t
			s.guest.Pause(t)
			s.guest.Resume(t)
			s.drift("eth0")
		})
		t.Run("suspended to memory", func(t *testing.T) {
			s.t = t
			asked := s.d.sum("enitune_api_requests_total")
			s.suspendToMemory()
			s.d.await("eth0 rx_ring: 1024 -> 512")
			s.drift("eth0")
			if queues, ring := s.combined("eth0"), s.rxRing("eth0"); queues != 4 || ring != 512 {
				t.Errorf("%d queues, rx ring %d", queues, ring)
			}
			if got := s.d.sum("enitune_api_requests_total") - asked; got != 0 {
				t.Errorf("%v requests because of the sleep, want none", got)
			}
		})
	})
}

func (s *stage) suspendToMemory() {
	s.t.Helper()
	wait := s.guest.AwaitSuspend(s.t)
	p := s.guest.Start(s.t.Context(), nil, "sh", "-c", "echo mem >/sys/power/state")
	wait()
	s.guest.Wake(s.t)
	if code, err := p.Wait(s.t.Context()); code != 0 || err != nil {
		s.t.Fatalf("suspending ended with %d, %v", code, err)
	}
}
