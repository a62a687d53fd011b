package ecssim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// ErrNoENI is returned, wrapped with the id, where an ENI does not exist.
var ErrNoENI = errors.New("no such ENI")

// ErrNoInstance is returned, wrapped with the id, where an instance does not exist.
var ErrNoInstance = errors.New("no such instance")

// Options configure a Cloud. The zero value is a strict, present-day cloud.
type Options struct {
	// Clock tells the cloud's time; nil means time.Now.
	Clock func() time.Time
	// Seed makes ids, tokens and keys repeatable. Equal seeds and equal
	// request orders give equal replies.
	Seed uint64
	// AllowTokenless makes the metadata service answer requests without a
	// token too ("normal mode"); the default is hardened mode.
	AllowTokenless bool
	// TokenlessStatus is the HTTP status in hardened mode for a request that
	// has no token at all. 0 means 401, which is documented for a wrong token
	// and which such a token always gets; for no token at all Alibaba Cloud's
	// documentation names 403 too.
	TokenlessStatus int
	// CredentialLifetime is how long role credentials live; 0 means 6 h,
	// as the example in the documentation has it.
	CredentialLifetime time.Duration
	// DenyRingSizes refuses ring sizes, as the cloud does for accounts and
	// regions that are not on its allow-list.
	DenyRingSizes bool
	// DenyConnectionTracking refuses connection timeouts likewise.
	DenyConnectionTracking bool
	// DenySourceDestCheck refuses the source/destination check, as most regions do.
	DenySourceDestCheck bool
	// SecurityGroups are the ids that exist; nil means that all do.
	SecurityGroups []string
	// MaxSecurityGroups is how many an ENI can be in; 0 means 10.
	MaxSecurityGroups int
}

// Cloud is the simulated cloud. It is safe for concurrent use.
type Cloud struct {
	opts Options

	mu        sync.Mutex // guards everything below
	rng       *rand.Rand
	current   string // id of the instance that the metadata service answers for
	instances map[string]Instance
	types     []InstanceType
	enis      []record // in order of creation
	nextSeq   int

	keys      map[string]accessKey // by access key id
	roleKeyID string               // the role credentials now handed out, "" for none
	nonces    map[string]time.Time // expiry by access key id and nonce
	tokens    map[string]time.Time // expiry by metadata token

	faults        []Fault
	faultsChanged chan struct{} // closed when faults are set or cleared
	throttle      throttle
	denied        []string // actions that Forbidden.RAM answers
	lag           Lag
	log           []Request
}

// record is an ENI with its place in the order of creation, which paging
// tokens refer to.
type record struct {
	seq int
	eni ENI
	// old is what Describe replies show while the last change is hidden; nil if
	// they show eni.
	old *hidden
}

// New returns a cloud with the built-in instance types and nothing else.
func New(opts Options) *Cloud {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	if opts.CredentialLifetime == 0 {
		opts.CredentialLifetime = 6 * time.Hour
	}
	if opts.MaxSecurityGroups == 0 {
		opts.MaxSecurityGroups = 10
	}
	if opts.TokenlessStatus == 0 {
		opts.TokenlessStatus = 401
	}
	return &Cloud{
		opts:          opts,
		rng:           rand.New(rand.NewPCG(opts.Seed, 0)),
		instances:     make(map[string]Instance),
		types:         builtinTypes(),
		keys:          make(map[string]accessKey),
		nonces:        make(map[string]time.Time),
		tokens:        make(map[string]time.Time),
		faultsChanged: make(chan struct{}),
	}
}

// SetInstance stores an instance and makes it the one that the metadata
// service answers for.
func (c *Cloud) SetInstance(in Instance) {
	c.PutInstance(in)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = in.ID
}

// PutInstance stores an instance that exists for the ECS API, replacing the
// one with the same id.
func (c *Cloud) PutInstance(in Instance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if in.Status == "" {
		in.Status = InstanceRunning
	}
	c.instances[in.ID] = in
}

// UpdateInstance changes an instance in place; ErrNoInstance if there is none.
// The id stays what it is.
func (c *Cloud) UpdateInstance(id string, change func(*Instance)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	in, ok := c.instances[id]
	if !ok {
		return fmt.Errorf("instance %s: %w", id, ErrNoInstance)
	}
	change(&in)
	in.ID = id
	c.instances[id] = in
	return nil
}

// Instances returns all instances, by id.
func (c *Cloud) Instances() []Instance {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Instance, 0, len(c.instances))
	for _, in := range c.instances {
		out = append(out, in)
	}
	slices.SortFunc(out, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// CurrentInstance returns the instance of the metadata service, false if none is set.
func (c *Cloud) CurrentInstance() (Instance, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	in, ok := c.instances[c.current]
	return in, ok
}

// PutInstanceType stores an instance type, replacing the one with the same id.
func (c *Cloud) PutInstanceType(t InstanceType) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.typeIndex(t.InstanceTypeID); i >= 0 {
		c.types[i] = t
		return
	}
	c.types = append(c.types, t)
}

// InstanceTypes returns all instance types, the built-in ones first.
func (c *Cloud) InstanceTypes() []InstanceType {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.types)
}

// typeIndex finds an instance type, -1 if there is none. c.mu is held.
func (c *Cloud) typeIndex(id string) int {
	return slices.IndexFunc(c.types, func(t InstanceType) bool { return t.InstanceTypeID == id })
}

// text returns n random characters of alphabet. c.mu is held.
func (c *Cloud) text(n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[c.rng.IntN(len(alphabet))]
	}
	return string(b)
}

// requestID returns a fresh id in the cloud's form. c.mu is held.
func (c *Cloud) requestID() string {
	s := c.text(32, "0123456789ABCDEF")
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}
