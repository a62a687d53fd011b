package eni

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// date answers with a Date header of its own, and with an error, as the ECS API
// does to a request without an action.
func date(value string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", value)
		w.WriteHeader(http.StatusBadRequest)
	})
}

func TestTheClockIsComparedWithTheCloudsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noCredentials(t)
		for _, ahead := range []time.Duration{0, 20 * time.Minute, -90 * time.Second} {
			cloud := time.Now().Add(-ahead)
			c := newClient(t, ClientOptions{}, handlerTransport{date(cloud.UTC().Format(http.TimeFormat))})
			got, err := c.ClockSkew(t.Context())
			checkIs(t, err, nil)
			if off := got - ahead; off.Abs() > time.Second {
				t.Errorf("got %v, want %v", got, ahead)
			}
		}
	})
}

func TestAnEndpointThatTellsNoTimeIsStillOneThatAnswers(t *testing.T) {
	c := newClient(t, ClientOptions{}, handlerTransport{date("yesterday")})
	_, err := c.ClockSkew(t.Context())
	checkIs(t, err, ErrMalformed)
}

func TestAnEndpointOutOfReachTellsNoTime(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	endpoint := s.URL
	s.Close()
	c := newClient(t, ClientOptions{Endpoint: endpoint}, nil)
	_, err := c.ClockSkew(t.Context())
	checkIs(t, err, ErrNetwork)
}

func TestTheMetadataServiceTellsTheTimeAndTheRole(t *testing.T) {
	cloud := newCloud()
	s := httptest.NewServer(cloud.Metadata())
	t.Cleanup(s.Close)
	m, err := NewMetadata(MetadataOptions{BaseURL: s.URL, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	skew, err := m.ClockSkew(t.Context())
	checkIs(t, err, nil)
	if skew.Abs() > time.Minute {
		t.Errorf("skew %v of a service on this machine", skew)
	}
	cloud.SetRole("enitune")
	role, err := m.RAMRole(t.Context())
	if checkIs(t, err, nil); role != "enitune" {
		t.Errorf("role %q", role)
	}
	cloud.SetRole("")
	_, err = m.RAMRole(t.Context())
	checkIs(t, err, ErrNotFound)
}

func TestACertificateOutOfItsTimePointsAtTheClock(t *testing.T) {
	noCredentials(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "ak")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "sk")
	c := newClient(t, ClientOptions{Attempts: 1}, transportFunc(func(*http.Request) (*http.Response, error) {
		return nil, &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}
	}))
	_, err := c.NetworkInterfaces(t.Context(), Query{InstanceID: "i-1"})
	checkIs(t, err, ErrNetwork)
	if !strings.Contains(err.Error(), remedyDate) {
		t.Errorf("%v does not point at the clock", err)
	}
}
