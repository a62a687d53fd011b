package agent

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAnENIThatIsDetachedIsSoonNoLongerMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, c := newKernel(eth(1, 4, 8, 1024), eth(2, 4, 8, 1024)), newCloudModel(apiInterface(1, 4), apiInterface(2, 4))
		d, _, stop := runDaemon(t, k, c, stateFile(t))
		defer func() { _ = stop() }()
		synctest.Wait()
		before := c.asked()
		k.unplug(2) // the guest lets go first; the API shows it some seconds later
		d.trigger.fire(CauseLink)
		synctest.Wait()
		if r, _ := d.Report(); len(r.missingMACs()) != 1 || c.asked() != before+1 {
			t.Fatalf("%v are missed, asked %d times", r.missingMACs(), c.asked()-before)
		}
		c.change(func() { c.enis = c.enis[:1] })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if r, _ := d.Report(); len(r.missingMACs()) != 0 {
			t.Errorf("%v are still missed", r.missingMACs())
		}
	})
}

func TestANICThatIsInAContainerForGoodIsNotAskedForWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, c := newKernel(eth(1, 4, 8, 1024)), newCloudModel(apiInterface(1, 4), apiInterface(2, 4))
		_, _, stop := runDaemon(t, k, c, stateFile(t))
		defer func() { _ = stop() }()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := c.asked(); n > 9 {
			t.Errorf("asked %d times in a day", n)
		}
	})
}
