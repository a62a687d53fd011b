package agent

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// Desired is what the cloud says of an instance's ENIs, as it is kept on disk.
type Desired struct {
	InstanceID   string    `json:"instance_id"`
	Region       string    `json:"region"`
	InstanceType string    `json:"instance_type"` // "" if the metadata service did not tell
	FetchedAt    time.Time `json:"fetched_at"`
	ENIs         []ENI     `json:"enis"`
	// Boot is the boot in which it was read (/proc/sys/kernel/random/boot_id); "" if
	// that is not known.
	Boot string `json:"boot,omitempty"`
	// TypeQueues are the instance type's default queue numbers; nil if they were not
	// needed, or are not known.
	TypeQueues *TypeQueues `json:"type_queues,omitempty"`
}

// TypeQueues are an instance type's default queue numbers; nil where the API tells
// none.
type TypeQueues struct {
	Type      string `json:"type"`
	Primary   *int   `json:"primary,omitempty"`
	Secondary *int   `json:"secondary,omitempty"`
}

// lacks tells whether the desired state of an ENI could not be found out.
func (d Desired) lacks() bool {
	return slices.ContainsFunc(d.ENIs, func(e ENI) bool { return e.Unresolved != "" })
}

// ENI is one elastic network interface of the instance.
type ENI struct {
	ID     string  `json:"id"`
	MAC    string  `json:"mac"`    // lower-case colon form
	Type   string  `json:"type"`   // Primary, Secondary, Trunk, Member; "" if unknown
	Status string  `json:"status"` // InUse, Attaching, ...; "" if unknown
	Values []Value `json:"values"` // in no particular order
	// Unresolved says why the API told nothing of an ENI that the metadata
	// service lists; "" for all others.
	Unresolved string `json:"unresolved,omitempty"`
	// UnresolvedClass is the kind of failure behind Unresolved, see Classes.
	UnresolvedClass string `json:"unresolved_class,omitempty"`
	// ByID is when the API last told of it by its id, as it does of an ENI that the
	// instance's own list leaves out; zero for all others.
	ByID time.Time `json:"by_id,omitzero"`
}

// Value is what one source says that a setting should be.
type Value struct {
	Setting nic.Setting `json:"setting"`
	Value   int         `json:"value"`
	Source  plan.Source `json:"source"`
}

// Tags that carry the ring sizes an ENI was given, because the API accepts them
// and does not document to give them back.
const (
	TagRxQueueSize = "enitune:rx-queue-size"
	TagTxQueueSize = "enitune:tx-queue-size"
)

// Ranges of values from the cloud. Queues: ModifyNetworkInterfaceAttribute,
// QueueNumber. Rings: the API takes 8192 to 16384; the wider range lets in what
// other generations or a later API may say, and keeps nonsense out.
const (
	maxQueues = 2048
	maxRing   = 65536
)

// describe turns the API's view of one ENI into what is wanted of its NIC. What
// is out of range or contradicts a stronger source is left out and told as a
// problem.
func describe(ni eni.NetworkInterface, limits *TypeQueues) (ENI, []Problem) {
	e := ENI{ID: ni.ID, MAC: ni.MAC, Type: plainWord(ni.Type), Status: plainWord(ni.Status)}
	c := collector{eni: &e}
	c.field(nic.Queues, plan.API, "QueueNumber", told(ni, nic.Queues), maxQueues)
	c.field(nic.RxRing, plan.API, "RxQueueSize", told(ni, nic.RxRing), maxRing)
	c.field(nic.TxRing, plan.API, "TxQueueSize", told(ni, nic.TxRing), maxRing)
	c.tags(ni.Tags)
	// Where a member cannot be read, it is not known that there is no number.
	if _, ok := e.value(nic.Queues); !ok && limits != nil && ni.Problem == "" {
		if ni.Type == "Primary" {
			c.field(nic.Queues, plan.InstanceType, "PrimaryEniQueueNumber", limits.Primary, maxQueues)
		} else {
			c.field(nic.Queues, plan.InstanceType, "SecondaryEniQueueNumber", limits.Secondary, maxQueues)
		}
	}
	return e, c.problems
}

// told is what the API says of a setting; nil for nothing.
func told(ni eni.NetworkInterface, s nic.Setting) *int {
	traffic := ni.TrafficConfig
	if traffic == nil {
		traffic = &eni.TrafficConfig{}
	}
	switch s {
	case nic.Queues:
		return first(ni.QueueNumber, traffic.QueueNumber)
	case nic.RxRing:
		return first(ni.RxQueueSize, traffic.RxQueueSize)
	case nic.TxRing:
		return first(ni.TxQueueSize, traffic.TxQueueSize)
	default:
		return nil
	}
}

// collector gathers the values of one ENI and what is wrong with them.
type collector struct {
	eni      *ENI
	problems []Problem
}

func (c *collector) field(s nic.Setting, src plan.Source, name string, n *int, most int) {
	switch {
	case n == nil:
	case *n < 1 || *n > most:
		c.complain("%s is %d, outside 1 to %d; ignored", name, *n, most)
	default:
		c.eni.Values = append(c.eni.Values, Value{s, *n, src})
	}
}

// tags takes the ring sizes of an ENI's tags. The API gives both rings one depth
// from apiRingLeast to apiRingMost: two tags in that range that differ contradict
// each other.
func (c *collector) tags(tags map[string]string) {
	rx, tx := tags[TagRxQueueSize], tags[TagTxQueueSize]
	if ringOfAPI(rx) && ringOfAPI(tx) && rx != tx {
		c.complain("tags %s %s and %s %s contradict each other, the API gives both rings one depth; ignored, correct or remove them",
			TagRxQueueSize, rx, TagTxQueueSize, tx)
		return
	}
	c.tag(nic.RxRing, tags, TagRxQueueSize)
	c.tag(nic.TxRing, tags, TagTxQueueSize)
}

// Depths that the API takes (CreateNetworkInterface, RxQueueSize).
const (
	apiRingLeast = 8192
	apiRingMost  = 16384
)

func ringOfAPI(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= apiRingLeast && n <= apiRingMost
}

func (c *collector) tag(s nic.Setting, tags map[string]string, key string) {
	text, ok := tags[key]
	if !ok {
		return
	}
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text || n < 1 || n > maxRing || n&(n-1) != 0 {
		c.complain("tag %s is %q, not a power of two up to %d; ignored, correct or remove the tag", key, text, maxRing)
		return
	}
	if api, ok := c.eni.value(s); ok && api.Value != n {
		c.complain("tag %s says %d, but the API says %d, which counts; correct or remove the tag", key, n, api.Value)
		return
	}
	c.field(s, plan.Tag, "tag "+key, &n, maxRing)
}

func (c *collector) complain(format string, args ...any) {
	c.problems = append(c.problems, Problem{Component: ComponentAPI, Class: eni.ClassInvalid.String(),
		Message: "ENI " + c.eni.ID + ": " + fmt.Sprintf(format, args...)})
}

// value gives the strongest source's value for a setting.
func (e ENI) value(s nic.Setting) (best Value, ok bool) {
	for _, v := range e.Values {
		if v.Setting == s && (!ok || v.Source < best.Source) {
			best, ok = v, true
		}
	}
	return best, ok
}

// needsLimits tells whether the instance type's defaults are asked for: where
// the API leaves an ENI's queue number out, or gives one that is none.
func needsLimits(list []eni.NetworkInterface) bool {
	return slices.ContainsFunc(list, func(ni eni.NetworkInterface) bool {
		e, _ := describe(ni, nil)
		_, ok := e.value(nic.Queues)
		return !ok
	})
}

// plainWord lets through what looks like a word of the API's; anything else
// would only make trouble in labels and on terminals.
func plainWord(s string) string {
	if plainID(s) {
		return s
	}
	return ""
}

// resolve finds what a setting should be: the first source that has a value.
func resolve(rule Rule, e ENI, s nic.Setting, r nic.Reading) plan.Wanted {
	switch want := rule.Wants[s]; want.Kind {
	case WantNumber:
		return plan.Wanted{Value: want.N, Source: plan.Override}
	case WantMax:
		if r.Max == 0 {
			return plan.Wanted{}
		}
		return plan.Wanted{Value: r.Max, Source: plan.Override, Most: true}
	case WantAPI:
	}
	if v, ok := e.value(s); ok {
		return plan.Wanted{Value: v.Value, Source: v.Source}
	}
	if deviceTells(s) && e.ID != "" && r.Max > 0 {
		return plan.Wanted{Value: r.Max, Source: plan.Device}
	}
	return plan.Wanted{}
}

// deviceTells tells whether the NIC's maximum is what its ENI was given. For
// queues it is not: a device can have more queue pairs than its ENI's number.
func deviceTells(s nic.Setting) bool { return s == nic.RxRing || s == nic.TxRing }

func first(values ...*int) *int {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}
