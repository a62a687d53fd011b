package doctor

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/enitune/enitune/eni"
)

// bitingSkew is the difference of clocks that is worth a warning.
const bitingSkew = time.Minute

func checkMetadata(f Facts) []Finding {
	c := f.Cloud
	switch {
	case !c.Enabled:
		return one(CheckMetadata, Note, "cloud.enabled is false: neither the metadata service nor the API is asked, only the rules in nics: count", "")
	case c.MetadataErr == nil:
		return one(CheckMetadata, OK, "the metadata service answers, with a token (hardened mode)", "")
	case c.Identity.InstanceID != "" && c.Identity.RegionID != "":
		return one(CheckMetadata, Warn, c.MetadataErr.Error()+"; what the configuration or an earlier run knows of the instance stands in for it",
			"repair it: a RAM role's credentials come from it, and ENIs that another cloud service manages are found by it")
	default:
		return one(CheckMetadata, Fail, c.MetadataErr.Error(),
			"curl -sX PUT -H 'X-aliyun-ecs-metadata-token-ttl-seconds: 60' http://100.100.100.200/latest/api/token must print a token; "+
				"elsewhere than on an instance set cloud.region and cloud.instance_id")
	}
}

func checkIdentity(f Facts) []Finding {
	switch c := f.Cloud; {
	case !c.Enabled:
		return nil
	case (c.Identity.InstanceID == "" || c.Identity.RegionID == "") && c.MetadataErr != nil:
		return one(CheckIdentity, Note, "not known without the metadata service", "")
	case c.Identity.InstanceID == "" || c.Identity.RegionID == "":
		return one(CheckIdentity, Fail, "it is not known which instance of which region this is", "see metadata, or set cloud.instance_id and cloud.region")
	case c.Identity.InstanceType == "":
		return one(CheckIdentity, Warn, fmt.Sprintf("%s in %s, of a type that is not known; queue numbers that the API leaves out are then not known either",
			c.Identity.InstanceID, c.Identity.RegionID), "leave cloud.instance_id to the metadata service")
	default:
		return one(CheckIdentity, OK, fmt.Sprintf("%s, %s, in %s", c.Identity.InstanceID, c.Identity.InstanceType, c.Identity.RegionID), "")
	}
}

func checkEndpoint(f Facts) []Finding {
	c := f.Cloud
	switch {
	case !c.Enabled:
		return nil
	case c.EndpointErr != nil:
		return one(CheckEndpoint, Fail, c.EndpointErr.Error(), "correct cloud.region and cloud.ecs_endpoint")
	case c.Endpoint == "":
		return one(CheckEndpoint, Note, "not tested: the region is not known", "")
	case c.APIClock.Err == nil || errors.Is(c.APIClock.Err, eni.ErrMalformed): // it answers, without telling the time
		return one(CheckEndpoint, OK, c.Endpoint+" answers"+via(c.APIProxied), "")
	default:
		return one(CheckEndpoint, Fail, fmt.Sprintf("%s does not answer%s: %v", c.Endpoint, via(c.APIProxied), c.APIClock.Err),
			"check name resolution, routes and security groups; outside of a VPC set cloud.endpoint_network: public")
	}
}

func via(proxy string) string {
	if proxy == "" {
		return ""
	}
	return " through the proxy " + proxy
}

// checkClock prefers the API's clock, which judges the signatures.
func checkClock(f Facts) []Finding {
	c := f.Cloud
	if !c.Enabled {
		return nil
	}
	clock, whose := c.APIClock, "the ECS API's"
	if !clock.Asked || clock.Err != nil {
		clock, whose = c.MetadataTime, "the metadata service's"
	}
	if !clock.Asked || clock.Err != nil {
		return one(CheckClock, Note, "not tested: neither the API nor the metadata service tells the time", "")
	}
	apart, where := clock.Ahead, "ahead of"
	if apart < 0 {
		apart, where = -apart, "behind"
	}
	message := fmt.Sprintf("this machine's clock is %v %s %s", apart.Round(time.Second), where, whose)
	const remedy = "synchronise it: chronyc makestep, or timedatectl set-ntp true"
	switch {
	case apart >= eni.MaxClockSkew:
		return one(CheckClock, Fail, fmt.Sprintf("%s; the API refuses signatures that are %v off", message, eni.MaxClockSkew), remedy)
	case apart >= bitingSkew:
		return one(CheckClock, Warn, fmt.Sprintf("%s; the API refuses signatures from %v on", message, eni.MaxClockSkew), remedy)
	default:
		return one(CheckClock, OK, fmt.Sprintf("this machine's clock is less than a minute from %s", whose), "")
	}
}

// checkProxy tells of a proxy for the API. The metadata service is never asked
// through one.
func checkProxy(f Facts) []Finding {
	c := f.Cloud
	switch {
	case !c.Enabled:
		return nil
	case c.APIProxied != "":
		return one(CheckProxy, Note, "the ECS API is called through the proxy "+c.APIProxied+" (HTTPS_PROXY)", "if that is not intended: put .aliyuncs.com into NO_PROXY")
	default:
		return one(CheckProxy, OK, "no proxy stands between this process and the cloud", "")
	}
}

func checkCredentials(f Facts) []Finding {
	c := f.Cloud
	switch {
	case !c.Enabled:
		return nil
	case c.SourceUnasked != "":
		return one(CheckCredentials, Note, "not tested: "+c.SourceUnasked, "")
	case c.SourceErr != nil:
		remedy := ""
		if errors.Is(c.RoleErr, eni.ErrNotFound) {
			remedy = "attach a RAM role with docs/ram-policies/read-only-agent.json to the instance (AttachInstanceRamRole)"
		}
		return one(CheckCredentials, Fail, c.SourceErr.Error(), remedy)
	}
	source := c.Source.Source
	if source == eni.SourceRAMRole && c.Role != "" {
		source += ", " + c.Role
	}
	kind := "long-lived"
	if c.Source.Temporary {
		kind = "temporary, renewed by themselves"
	}
	found := one(CheckCredentials, OK, fmt.Sprintf("from the %s (%s), access key id %s, %s", source, c.Source.Provider, c.Source.AccessKeyID, kind), "")
	if rejected := rejection(c); rejected != nil {
		found = one(CheckCredentials, Fail, fmt.Sprintf("those from the %s (%s), access key id %s, are not accepted: %v", source, c.Source.Provider, c.Source.AccessKeyID, rejected),
			"renew them at their source; see clock, too")
	}
	if !c.Source.Temporary {
		found = append(found, Finding{CheckCredentials, "", Note, "a long-lived access key is used",
			"on an instance a RAM role is safer: there is no key to keep or to rotate"})
	}
	if strings.HasPrefix(c.Source.Provider, "default/env") || strings.Contains(c.Source.Provider, "profile") {
		found = append(found, Finding{CheckCredentials, "", Note, "they are of this shell and user; the daemon under systemd has another environment and looks for its own",
			"`enitune status` tells whether the daemon has any"})
	}
	return found
}

// rejection is what the API said to the credentials, if it did not take them.
func rejection(c Cloud) error {
	for _, p := range c.Probes {
		if errors.Is(p.Err, eni.ErrCredentials) {
			return p.Err
		}
	}
	return nil
}
