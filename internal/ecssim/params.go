package ecssim

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of an RPC request, from the query and the form body.
type params map[string]string

// parseParams decodes query and form. A parameter that occurs twice is
// refused: which of the two was signed would be a guess.
func parseParams(query, form string) (params, error) {
	p := make(params)
	for _, text := range []string{query, form} {
		values, err := url.ParseQuery(text)
		if err != nil {
			return nil, apiErrorf(codeInvalidParameter, "The request parameters are not well formed.")
		}
		for name, vs := range values {
			if _, twice := p[name]; twice || len(vs) > 1 {
				return nil, apiErrorf(codeInvalidParameter, "The specified parameter %q is given more than once.", name)
			}
			p[name] = vs[0]
		}
	}
	return p, nil
}

// require returns MissingParameter for the first name that is absent or empty.
func (p params) require(names ...string) error {
	for _, name := range names {
		if p[name] == "" {
			return apiErrorf(codeMissingParameter,
				"The input parameter %q that is mandatory for processing this request is not supplied.", name)
		}
	}
	return nil
}

// element is one value of an array parameter.
type element struct {
	index int
	value string
}

// list returns the array name.1, name.2, … in the order of its indices,
// which start at 1 and may have gaps. Other names are not its elements.
func (p params) list(name string) []string {
	var elements []element
	for key, value := range p {
		tail, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		if i, err := strconv.Atoi(tail); err == nil && i >= 1 && strconv.Itoa(i) == tail {
			elements = append(elements, element{i, value})
		}
	}
	slices.SortFunc(elements, func(a, b element) int { return cmp.Compare(a.index, b.index) })
	out := make([]string, 0, len(elements))
	for _, e := range elements {
		out = append(out, e.value)
	}
	return out
}

// tag is one Tag.N parameter; value is nil where only the key was given.
type tag struct {
	key   string
	value *string
}

// tags returns the parameters Tag.N.Key and Tag.N.Value in the order of N.
func (p params) tags() []tag {
	var indices []int
	for key := range p {
		middle, ok := strings.CutPrefix(key, "Tag.")
		if !ok {
			continue
		}
		if middle, ok = strings.CutSuffix(middle, ".Key"); !ok {
			continue
		}
		if i, err := strconv.Atoi(middle); err == nil && i >= 1 && strconv.Itoa(i) == middle {
			indices = append(indices, i)
		}
	}
	slices.Sort(indices)
	out := make([]tag, 0, len(indices))
	for _, i := range indices {
		t := tag{key: p[fmt.Sprintf("Tag.%d.Key", i)]}
		if v, ok := p[fmt.Sprintf("Tag.%d.Value", i)]; ok {
			t.value = &v
		}
		out = append(out, t)
	}
	return out
}

// number returns an integer parameter, nil where it is absent.
func (p params) number(name string) (*int, error) {
	text, ok := p[name]
	if !ok || text == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, invalidParameter(name)
	}
	return &n, nil
}

// boolean returns a boolean parameter, nil where it is absent.
func (p params) boolean(name string) (*bool, error) {
	switch p[name] {
	case "":
		return nil, nil
	case "true", "True":
		return new(true), nil
	case "false", "False":
		return new(false), nil
	default:
		return nil, invalidParameter(name)
	}
}

// withoutSecrets is what the request log may keep.
func (p params) withoutSecrets() map[string]string {
	out := maps.Clone(p)
	for _, secret := range []string{"Signature", "SecurityToken", "BearerToken"} {
		delete(out, secret)
	}
	return out
}
