package ecssim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Control returns the JSON API that steers a cloud in another process:
//
//	GET                  /state                what stands in the cloud
//	GET                  /instances            all instances
//	PUT PATCH            /instances/{id}       store, change one; ?current=true: the metadata service's
//	GET                  /types                all instance types
//	PUT                  /types/{id}           store one
//	GET                  /enis                 all ENIs
//	GET PUT PATCH DELETE /enis/{id}            one ENI
//	GET PUT DELETE       /faults               all faults
//	GET DELETE           /requests             the request log
//	PUT                  /throttle             {"per_minute": n}, 0 for none
//	PUT                  /denied               ["TagResources"]: actions without permission
//	PUT                  /lag                  {"reads": n, "for": "2s"}, see Cloud.SetLag
//	PUT                  /role                 {"name": "…"}, "" for none
//	PUT                  /keys/{id}            {"secret": "…"}: a static access key
//	POST                 /rotate               end all role credentials
//	POST                 /revoke-tokens        forget all metadata tokens
//
// PATCH sets the fields that are given and leaves the others; null clears
// one. Unknown fields are refused. Errors are {"error": "…"}.
func (c *Cloud) Control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answerControl(w, r, h) })
	}
	c.handleModel(handle)
	handle("GET /faults", func(*http.Request) (any, error) { return c.faultDocuments(), nil })
	handle("PUT /faults", c.putFaults)
	handle("DELETE /faults", func(*http.Request) (any, error) { c.ClearFaults(); return nil, nil })
	handle("GET /requests", func(*http.Request) (any, error) { return c.Requests(), nil })
	handle("DELETE /requests", func(*http.Request) (any, error) { c.ResetRequests(); return nil, nil })
	handle("PUT /throttle", func(r *http.Request) (any, error) {
		var in struct {
			PerMinute int `json:"per_minute"`
		}
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		c.Throttle(in.PerMinute)
		return nil, nil
	})
	handle("PUT /denied", func(r *http.Request) (any, error) {
		var in []string
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		c.Deny(in...)
		return nil, nil
	})
	handle("PUT /lag", c.putLag)
	handle("PUT /role", func(r *http.Request) (any, error) {
		var in struct {
			Name string `json:"name"`
		}
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		c.SetRole(in.Name)
		return nil, nil
	})
	handle("PUT /keys/{id}", func(r *http.Request) (any, error) {
		var in struct {
			Secret string `json:"secret"`
		}
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		c.AddAccessKey(r.PathValue("id"), in.Secret)
		return nil, nil
	})
	handle("POST /rotate", func(*http.Request) (any, error) { c.RotateCredentials(); return nil, nil })
	handle("POST /revoke-tokens", func(*http.Request) (any, error) { c.RevokeTokens(); return nil, nil })
	return mux
}

// handleModel registers the routes of instances, types and ENIs.
func (c *Cloud) handleModel(handle func(string, func(*http.Request) (any, error))) {
	handle("GET /state", func(*http.Request) (any, error) {
		in, _ := c.CurrentInstance()
		return map[string]any{"current": in.ID, "instances": c.Instances(), "enis": c.ENIs(), "faults": c.faultDocuments()}, nil
	})
	handle("GET /instances", func(*http.Request) (any, error) { return c.Instances(), nil })
	handle("PUT /instances/{id}", c.putInstance)
	handle("PATCH /instances/{id}", c.patchInstance)
	handle("GET /types", func(*http.Request) (any, error) { return c.InstanceTypes(), nil })
	handle("PUT /types/{id}", func(r *http.Request) (any, error) {
		t := InstanceType{InstanceTypeID: r.PathValue("id")}
		if err := decode(r, &t); err != nil {
			return nil, err
		}
		if err := sameID(r, t.InstanceTypeID); err != nil {
			return nil, err
		}
		c.PutInstanceType(t)
		return t, nil
	})
	handle("GET /enis", func(*http.Request) (any, error) { return c.ENIs(), nil })
	handle("GET /enis/{id}", func(r *http.Request) (any, error) { return c.ENI(r.PathValue("id")) })
	handle("PUT /enis/{id}", func(r *http.Request) (any, error) { return c.storeENI(r, ENI{ID: r.PathValue("id")}) })
	handle("PATCH /enis/{id}", c.patchENI)
	handle("DELETE /enis/{id}", func(r *http.Request) (any, error) { return nil, c.RemoveENI(r.PathValue("id")) })
}

func (c *Cloud) putInstance(r *http.Request) (any, error) {
	in := Instance{ID: r.PathValue("id")}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := sameID(r, in.ID); err != nil {
		return nil, err
	}
	if r.URL.Query().Get("current") == "true" {
		c.SetInstance(in)
	} else {
		c.PutInstance(in)
	}
	return in, nil
}

func (c *Cloud) patchInstance(r *http.Request) (any, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	var out Instance
	var bad error
	err = c.UpdateInstance(r.PathValue("id"), func(in *Instance) {
		out = *in
		if bad = unmarshal(body, &out); bad == nil {
			*in = out
		}
	})
	return out, errors.Join(err, bad)
}

func (c *Cloud) patchENI(r *http.Request) (any, error) {
	e, err := c.ENI(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return c.storeENI(r, e)
}

// storeENI decodes the body over e, checks and stores it.
func (c *Cloud) storeENI(r *http.Request, e ENI) (any, error) {
	if err := decode(r, &e); err != nil {
		return nil, err
	}
	if err := sameID(r, e.ID); err != nil {
		return nil, err
	}
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRequest, err)
	}
	c.PutENI(e)
	return c.ENI(e.ID)
}

// faultDocument is a Fault as the control API has it.
type faultDocument struct {
	Target     Target `json:"target"`
	Match      string `json:"match,omitempty"`
	Remaining  int    `json:"remaining,omitempty"`
	HTTPStatus int    `json:"http_status,omitempty"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	RawBody    string `json:"raw_body,omitempty"`
	Delay      string `json:"delay,omitempty"` // such as 1.5s
	Processed  bool   `json:"processed,omitempty"`
	Drop       bool   `json:"drop,omitempty"`
	DropAfter  int    `json:"drop_after,omitempty"` // bytes
	Hang       bool   `json:"hang,omitempty"`
}

func (c *Cloud) faultDocuments() []faultDocument {
	out := []faultDocument{}
	for _, f := range c.Faults() {
		d := faultDocument{
			Target: f.Target, Match: f.Match, Remaining: f.Remaining, HTTPStatus: f.HTTPStatus, Code: f.Code, Message: f.Message,
			RawBody: f.RawBody, Processed: f.Processed, Drop: f.Drop, DropAfter: f.DropAfter, Hang: f.Hang,
		}
		if f.Delay != 0 {
			d.Delay = f.Delay.String()
		}
		out = append(out, d)
	}
	return out
}

func (c *Cloud) putFaults(r *http.Request) (any, error) {
	var in []faultDocument
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	var faults []Fault
	for _, d := range in {
		f := Fault{
			Target: d.Target, Match: d.Match, Remaining: d.Remaining, HTTPStatus: d.HTTPStatus, Code: d.Code, Message: d.Message,
			RawBody: d.RawBody, Processed: d.Processed, Drop: d.Drop, DropAfter: d.DropAfter, Hang: d.Hang,
		}
		if d.Delay != "" {
			delay, err := time.ParseDuration(d.Delay)
			if err != nil {
				return nil, fmt.Errorf("%w: fault on %s: delay: %w; write it as 1.5s", errBadRequest, d.Target, err)
			}
			f.Delay = delay
		}
		if err := f.Validate(); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadRequest, err)
		}
		faults = append(faults, f)
	}
	c.SetFaults(faults...)
	return c.faultDocuments(), nil
}

func (c *Cloud) putLag(r *http.Request) (any, error) {
	var in struct {
		Reads int    `json:"reads"`
		For   string `json:"for"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	lag := Lag{Reads: in.Reads}
	if in.For != "" {
		d, err := time.ParseDuration(in.For)
		if err != nil {
			return nil, fmt.Errorf("%w: lag: for: %w; write it as 1.5s", errBadRequest, err)
		}
		lag.For = d
	}
	c.SetLag(lag)
	return nil, nil
}

// errBadRequest marks what the caller of the control API got wrong.
var errBadRequest = errors.New("bad request")

func sameID(r *http.Request, id string) error {
	if want := r.PathValue("id"); id != want {
		return fmt.Errorf("%w: the body names %q, the path %q; they must be equal", errBadRequest, id, want)
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBody))
	if err != nil {
		return nil, fmt.Errorf("%w: reading the body: %w", errBadRequest, err)
	}
	return body, nil
}

// decode reads the JSON body over v, which keeps what the body leaves out.
func decode(r *http.Request, v any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	return unmarshal(body, v)
}

func answerControl(w http.ResponseWriter, r *http.Request, h func(*http.Request) (any, error)) {
	status := http.StatusOK
	out, err := h(r)
	switch {
	case errors.Is(err, ErrNoENI), errors.Is(err, ErrNoInstance):
		status = http.StatusNotFound
	case errors.Is(err, errBadRequest):
		status = http.StatusBadRequest
	case err != nil:
		status = http.StatusInternalServerError
	case out == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if err != nil {
		out = map[string]string{"error": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(out) // the client may have gone away; there is nobody to tell
}

// unmarshal decodes one JSON document strictly over v.
func unmarshal(body []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errBadRequest, err)
	}
	if dec.More() {
		return fmt.Errorf("%w: more than one JSON document", errBadRequest)
	}
	return nil
}
