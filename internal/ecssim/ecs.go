package ecssim

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// maxRequestBody bounds what is read of a request, in bytes.
const maxRequestBody = 1 << 20

// ECS returns the RPC endpoint: POST or GET on /, parameters in the query or
// in a form.
func (c *Cloud) ECS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := requestParams(r)
		entry := Request{Target: TargetECS, Method: r.Method, Path: r.URL.Path, Action: p["Action"], Params: p.withoutSecrets()}
		c.serve(w, r, call{
			entry: entry,
			match: p["Action"],
			answer: func() reply {
				if err != nil {
					return c.failure(p, err)
				}
				return c.answerECS(r, p)
			},
			fail: func(f Fault) reply {
				return c.injected(p["RegionId"], f)
			},
		})
	})
}

// requestParams reads the parameters of a request; on error they are empty.
func requestParams(r *http.Request) (params, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody))
	if err != nil {
		return params{}, apiErrorf(codeInvalidParameter, "The request body cannot be read.")
	}
	form := ""
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/x-www-form-urlencoded" {
		form = string(body)
	}
	p, err := parseParams(r.URL.RawQuery, form)
	if err != nil {
		return params{}, err
	}
	return p, nil
}

// action answers one action; c.mu is held.
type action func(params) (any, error)

// action finds the implementation of an action, nil if there is none.
func (c *Cloud) action(name string) action {
	switch name {
	case "DescribeNetworkInterfaces":
		return c.describeNetworkInterfaces
	case "DescribeNetworkInterfaceAttribute":
		return c.describeNetworkInterfaceAttribute
	case "DescribeInstanceTypes":
		return c.describeInstanceTypes
	case "DescribeInstances":
		return c.describeInstances
	case "ModifyNetworkInterfaceAttribute":
		return c.modifyNetworkInterfaceAttribute
	case "TagResources":
		return c.tagResources
	default:
		return nil
	}
}

func (c *Cloud) answerECS(r *http.Request, p params) reply {
	c.mu.Lock()
	document, err := c.perform(r.Method, r.URL.Path, p, c.opts.Clock())
	c.mu.Unlock()
	if err != nil {
		return c.failure(p, err)
	}
	return jsonReply(http.StatusOK, "", document)
}

// perform does what a request asks for, in the gateway's order: is there such
// an action, who asks, is that allowed, how often, and only then the action. c.mu
// is held.
func (c *Cloud) perform(method, path string, p params, now time.Time) (any, error) {
	if (method != http.MethodPost && method != http.MethodGet) || (path != "/" && path != "") {
		return nil, apiErrorf(codeInvalidAction, "Specified api is not found, please check your url and method.")
	}
	if err := p.require("Action", "Version"); err != nil {
		return nil, err
	}
	if p["Version"] != apiVersion {
		return nil, apiErrorf(codeInvalidVersion, "Specified parameter Version is not valid.")
	}
	act := c.action(p["Action"])
	if act == nil {
		return nil, apiErrorf(codeInvalidAction, "Specified api is not found, please check your url and method.")
	}
	if !strings.EqualFold(p["Format"], "json") {
		return nil, apiErrorf("InvalidParameter.Format", "The specified parameter \"Format\" is not valid: the simulated API answers JSON only.")
	}
	if err := c.authenticate(method, p, now); err != nil {
		return nil, err
	}
	if err := c.authorize(p); err != nil {
		return nil, err
	}
	if !c.throttle.allow(p["Action"], now) {
		return nil, apiErrorf(codeThrottling, "Request was denied due to request throttling, try again later.")
	}
	if err := p.require("RegionId"); err != nil && p["Action"] != "DescribeInstanceTypes" {
		return nil, err
	}
	if !c.regionExists(p["RegionId"]) {
		return nil, apiErrorf(codeInvalidRegion, "The specified RegionId does not exist.")
	}
	return act(p)
}

// regionExists says whether anything stands in a region. While nothing stands
// anywhere, every region exists. c.mu is held.
func (c *Cloud) regionExists(region string) bool {
	regions := make(map[string]bool)
	for _, in := range c.instances {
		regions[in.Region] = true
	}
	for _, r := range c.enis {
		regions[r.eni.Region] = true
	}
	delete(regions, "")
	return region == "" || len(regions) == 0 || regions[region]
}

// failure renders an error as the API's reply.
func (c *Cloud) failure(p params, err error) reply {
	var e *apiError
	if !errors.As(err, &e) {
		e = &apiError{code: "InternalError", message: "The request processing has failed due to some unknown error, exception or failure."}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return errorReply(c.requestID(), p["RegionId"], 0, e)
}
