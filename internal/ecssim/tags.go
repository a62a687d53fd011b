package ecssim

// maxTags is how many tags one request and one resource can have.
const maxTags = 20

// tagResources sets tags on ENIs: on all the named ones or on none. c.mu is held.
func (c *Cloud) tagResources(p params) (any, error) {
	if err := p.require("ResourceType", "ResourceId.1", "Tag.1.Key"); err != nil {
		return nil, err
	}
	if p["ResourceType"] != "eni" {
		return nil, apiErrorf(codeResourceType, "The ResourceType provided does not exist in our records: the simulated API tags eni only.")
	}
	tags := p.tags()
	if len(tags) > maxTags {
		return nil, apiErrorf(codeTooManyTags, "The Tags parameter's number is exceed.")
	}
	changed := make(map[int]ENI)
	for _, id := range p.list("ResourceId") {
		i := c.eniIndex(id)
		if i < 0 {
			return nil, apiErrorf(codeResourceNotFound, "The specified ResourceIds are not found in our records.")
		}
		e := c.enis[i].eni.clone()
		if e.Tags == nil {
			e.Tags = make(map[string]string)
		}
		for _, t := range tags {
			if t.key == "" {
				return nil, invalidParameter("Tag.N.Key")
			}
			e.Tags[t.key] = ""
			if t.value != nil {
				e.Tags[t.key] = *t.value
			}
		}
		if len(e.Tags) > maxTags {
			return nil, apiErrorf(codeTooManyTags, "The Tags parameter's number is exceed.")
		}
		changed[i] = e
	}
	for i, e := range changed {
		c.enis[i].eni = e
	}
	return emptyReply{RequestID: c.requestID()}, nil
}
