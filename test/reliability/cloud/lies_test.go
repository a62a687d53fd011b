//go:build netns

package cloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/world"
)

// lie is an answer in good form that is wrong. What was known before holds.
type lie struct {
	name string
	tell func(h *host)
	end  func(h *host) // for what heal does not undo; may be nil
	// says is a regular expression that one of the report's errors matches, as
	// component, class and message. "" if there is nothing to tell, because the
	// truth can be seen through the lie.
	says string
	// fresh is the NIC's queues after an apply that believes the lie, knowing
	// nothing else, and code its exit code.
	fresh, code int
}

// TestALieOfTheCloudIsNotBelieved tells each lie to an instance that knows nothing
// and to one that knows better.
func TestALieOfTheCloudIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, l := range lies() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			newHost(t, "").seeThrough(l)
		})
	}
}

func lies() []lie {
	queues := func(n string) func(*host) {
		return func(h *host) {
			h.ecs.answer(rewriting(func(eni map[string]any) { eni["QueueNumber"] = json.RawMessage(n) }))
		}
	}
	return []lie{
		{name: "no ENI, where metadata lists one", tell: func(h *host) { h.ecs.answer(describing(enis())) },
			says: "api notfound: ENI eni-1: the API does not return it; what was known of it holds", fresh: 1, code: agent.ExitError},
		{name: "no ENI, and metadata lists none", tell: func(h *host) {
			h.ecs.answer(describing(enis()))
			h.metadata.answer(only("/macs/", says(200, "", "")))
		}, says: "api notfound: .*the API knows no ENI of instance .*check cloud.instance_id", fresh: 1, code: agent.ExitError},
		{name: "0 queues", tell: queues("0"), says: "api invalid: ENI eni-1: QueueNumber is 0", fresh: 4, code: agent.ExitInSync},
		{name: "-1 queues", tell: queues("-1"), says: "api malformed: ENI eni-1: .*QueueNumber: want a whole number.*got -1; what was known", fresh: 1, code: agent.ExitError},
		{name: "2^31 queues", tell: queues("2147483648"), says: "api malformed: ENI eni-1: .*QueueNumber: want a whole number", fresh: 1, code: agent.ExitError},
		{name: "2^31-1 queues", tell: queues("2147483647"), says: "api invalid: ENI eni-1: QueueNumber is 2147483647, outside 1 to 2048", fresh: 4, code: agent.ExitInSync},
		{name: "4.5 queues", tell: queues("4.5"), says: "api malformed: ENI eni-1: .*QueueNumber: want a whole number", fresh: 1, code: agent.ExitError},
		{name: "4e0 queues", tell: queues("4e0"), says: "api malformed: ENI eni-1: .*QueueNumber: want a whole number", fresh: 1, code: agent.ExitError},
		{name: "many queues, by a word", tell: queues(`"many"`), says: "api malformed: ENI eni-1: .*QueueNumber: want a whole number", fresh: 1, code: agent.ExitError},
		{name: "a list of queues", tell: queues("[4]"), says: "api malformed: ENI eni-1: .*QueueNumber: want a whole number", fresh: 1, code: agent.ExitError},
		{name: "an address that is none", tell: address("nonsense"), fresh: good, code: agent.ExitInSync},
		{name: "an address in upper case with dashes", tell: address("00-16-3E-00-00-01"), fresh: good, code: agent.ExitInSync},
		{name: "an address in groups of four", tell: address("0016.3e00.0001"), fresh: good, code: agent.ExitInSync},
		{name: "no address", tell: address(nil), fresh: good, code: agent.ExitInSync},
		{name: "the same ENI three times", tell: func(h *host) {
			h.ecs.answer(reshaping(func(list []any) []any { return append(list, list[0], list[0]) }))
		}, fresh: good, code: agent.ExitInSync},
		{name: "another instance's ENI with our address", tell: func(h *host) {
			h.ecs.answer(rewriting(func(eni map[string]any) { eni["InstanceId"], eni["QueueNumber"] = "i-bp1other", 2 }))
		}, says: "api malformed: ENI eni-1 is of another instance, .i-bp1other.; ignored", fresh: 1, code: agent.ExitError},
		{name: "an ENI whose id is a page", tell: func(h *host) {
			h.ecs.answer(rewriting(func(eni map[string]any) { eni["NetworkInterfaceId"] = "<script>" }))
		}, says: "api .*: an ENI has the id .*ignored", fresh: 1, code: agent.ExitError},
		{name: "pages without end, with the same token", tell: paging(func(int) string { return "t" }, false), says: "api malformed: .*the token of an earlier page came again", fresh: 1, code: agent.ExitError},
		{name: "pages without end, with nothing new", tell: paging(token, false), says: "api malformed: .*a listing of more than 50 pages", fresh: 1, code: agent.ExitError},
		{name: "pages without end, with new ENIs", tell: paging(token, true), says: "api malformed: .*a listing of more than 50 pages", fresh: 1, code: agent.ExitError},
		{name: "an ENI that vanishes between two pages", tell: vanishing, says: "api notfound: ENI eni-1: the API does not return it; what was known of it holds", fresh: 1, code: agent.ExitError},
		{name: "the identity of another instance", tell: another(false), end: same,
			says: "metadata malformed: .*for instance i-bp1other .*and the ENIs of " + world.InstanceID + " are here", fresh: 1, code: agent.ExitInSync},
		{name: "the identity of another instance, while the API is down", tell: another(true), end: same,
			says: "metadata malformed: .*for instance i-bp1other", fresh: 1, code: agent.ExitError},
		{name: "another region", tell: func(h *host) {
			h.cloud.UpdateInstance(world.InstanceID, func(in *ecssim.Instance) { in.Region = "eu-central-1" })
		}, end: func(h *host) {
			h.cloud.UpdateInstance(world.InstanceID, func(in *ecssim.Instance) { in.Region = world.Region })
		}, says: "api network: .*certificate is valid for " + world.ECSHost + ", not ecs-vpc.eu-central-1", fresh: 1, code: agent.ExitError},
		{name: "a region that is part of a host name", tell: func(h *host) {
			h.metadata.answer(only("/dynamic/", says(200, jsonType, `{"instance-id":"`+world.InstanceID+`","region-id":"evil.example/x"}`)))
		}, fresh: good, code: agent.ExitInSync},
	}
}

// seeThrough tells a lie.
func (h *host) seeThrough(l lie) {
	h.t.Helper()
	l.tell(h)
	if r, code := h.apply(); code != l.code || h.channels() != l.fresh {
		h.t.Errorf("apply that knows nothing: exit %d, %d channels, want %d and %d\n%+v", code, h.channels(), l.code, l.fresh, r.Errors)
	}
	h.undo(l)
	if err := os.RemoveAll(h.stateDir()); err != nil {
		h.t.Fatal(err)
	}
	h.setChannels(1)

	h.start(os.Getenv(world.PlainKey))
	h.awaitChannels(good)
	before := h.await("the state is known", func(r agent.Report) bool { return r.InSync && len(r.Errors) == 0 })
	known, requests := h.state(), h.asked()
	l.tell(h)
	h.refresh()
	h.await("the cloud was read again, and told: "+l.says, func(r agent.Report) bool {
		return source(r, agent.ComponentAPI).LastAttempt.After(source(before, agent.ComponentAPI).LastAttempt) && mentions(r, l.says)
	})
	h.setChannels(1)
	h.awaitChannels(good)
	r := h.await("the repair is told", func(r agent.Report) bool { return queues(r).Current == good })
	if q := queues(r); q.Desired != good || q.Source != plan.API || q.Drift {
		h.t.Errorf("by what was known: %+v", q)
	}
	if now := h.state(); now != known {
		h.t.Errorf("the state on disk became\n%s\nfrom\n%s", now, known)
	}
	if n := h.asked() - requests; n > 400 {
		h.t.Errorf("%d requests", n)
	}
	h.undo(l)
	h.refresh()
	h.await("the lie is forgotten", func(r agent.Report) bool { return r.InSync && len(r.Errors) == 0 && queues(r).Source == plan.API })
	if h.channels() != good {
		h.t.Errorf("%d channels at the end", h.channels())
	}
}

func (h *host) undo(l lie) {
	h.t.Helper()
	h.heal(fault{end: l.end})
}

// mentions tells whether one of a report's errors matches; with "" that there is
// none.
func mentions(r agent.Report, pattern string) bool {
	if pattern == "" {
		return len(r.Errors) == 0
	}
	re := regexp.MustCompile(pattern)
	for _, e := range r.Errors {
		if re.MatchString(fmt.Sprintf("%s %s: %s", e.Component, e.Class, e.Message)) {
			return true
		}
	}
	return false
}

// reshaping changes the list of ENIs in each reply of DescribeNetworkInterfaces.
func reshaping(change func([]any) []any) wrapper {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		var reply map[string]any
		if json.Unmarshal(rec.Body.Bytes(), &reply) == nil {
			if sets, ok := reply["NetworkInterfaceSets"].(map[string]any); ok {
				if list, ok := sets["NetworkInterfaceSet"].([]any); ok {
					sets["NetworkInterfaceSet"] = change(list)
				}
			}
		}
		w.Header().Set("Content-Type", jsonType)
		w.WriteHeader(rec.Code)
		_ = json.NewEncoder(w).Encode(reply)
	}
}

// rewriting changes each ENI in each reply.
func rewriting(change func(eni map[string]any)) wrapper {
	return reshaping(func(list []any) []any {
		for _, e := range list {
			change(e.(map[string]any))
		}
		return list
	})
}

// describing has DescribeNetworkInterfaces answered so.
func describing(body string) wrapper {
	return only("DescribeNetworkInterfaces", says(200, jsonType, body))
}

// address gives the ENI another address, which metadata does not.
func address(mac any) func(*host) {
	return func(h *host) { h.ecs.answer(rewriting(func(eni map[string]any) { eni["MacAddress"] = mac })) }
}

func token(n int) string { return fmt.Sprintf("token%d", n) }

// paging has each page followed by another one; grows: with an ENI of its own.
func paging(token func(int) string, grows bool) func(*host) {
	return func(h *host) {
		var n atomic.Int64
		h.ecs.answer(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			i := int(n.Add(1))
			list := enis()
			if grows {
				list = enis(fmt.Sprintf(`{"NetworkInterfaceId":"eni-%d","MacAddress":"02:00:00:00:%02x:%02x","QueueNumber":2}`, 1000+i, i>>8, i&255))
			}
			says(200, jsonType, strings.Replace(list, "{", fmt.Sprintf(`{"NextToken":%q,`, token(i)), 1))(w, r, next)
		})
	}
}

// vanishing gives a first page with another ENI, and by the second one ours is
// gone.
func vanishing(h *host) {
	h.ecs.answer(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body := enis()
		if q := r.URL.Query(); q.Get("NextToken") == "" && q.Get("NetworkInterfaceId.1") == "" {
			body = `{"NextToken":"2","TotalCount":2,` + enis()[1:]
		}
		says(200, jsonType, body)(w, r, next)
	})
}

// another has the metadata service answer for another instance, which exists.
func another(down bool) func(*host) {
	return func(h *host) {
		other := ecssim.Instance{ID: "i-bp1other", Region: world.Region, Type: world.InstanceType, RoleName: world.Role}
		h.cloud.SetInstance(other)
		eni := world.ENI("eni-other", "00:16:3e:00:0f:01", 2)
		eni.InstanceID, eni.Type = other.ID, ecssim.TypePrimary
		h.cloud.PutENI(eni)
		if down {
			h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Code: "ServiceUnavailable"})
		}
	}
}

func same(h *host) {
	in := h.cloud.Instances()
	for _, i := range in {
		if i.ID == world.InstanceID {
			h.cloud.SetInstance(i)
		}
	}
}
