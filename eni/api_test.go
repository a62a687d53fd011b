package eni

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetworkInterfacesFollowsNextTokenAndGivesEachENIOnce(t *testing.T) {
	setCredentials(t)
	pages := map[string]string{
		"":   `{"NextToken":"t1","NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-1"},{"NetworkInterfaceId":"eni-2"}]}}`,
		"t1": `{"NextToken":"t2","NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-2"}]}}`,
		"t2": `{"NextToken":"","NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-3"}]}}`,
	}
	c := newServer(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, pages[r.URL.Query().Get("NextToken")])
	})
	got, err := c.NetworkInterfaces(t.Context(), Query{InstanceID: "i-1"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"eni-1", "eni-2", "eni-3"}, ids(got)); d != "" {
		t.Errorf("ids (-want +got):\n%s", d)
	}
}

func TestPagingThatDoesNotEndIsAnError(t *testing.T) {
	setCredentials(t)
	own := Query{InstanceID: "i-1"}
	none := func(int) string { return "" }
	for _, tt := range []struct {
		name, want string
		query      Query
		token      func(call int) string
		list       func(call int) string
		wantCalls  int
	}{
		{"the same token again", "NextToken: the token of an earlier page came again", own, func(int) string { return "t" }, none, 2},
		{"two tokens in turn", "NextToken: the token of an earlier page came again", own, func(n int) string { return strconv.Itoa(n % 2) }, none, 3},
		{"new tokens without end", "more than 100 pages in a row", Query{All: true}, strconv.Itoa, none, 100},
		{"new ENIs without end", "a listing of more than 50 pages", own, strconv.Itoa, func(n int) string { return fmt.Sprintf(`{"NetworkInterfaceId":"eni-%d"}`, n) }, 50},
	} {
		t.Run(tt.name, func(t *testing.T) {
			calls := 0
			c := newClient(t, ClientOptions{}, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				_, _ = fmt.Fprintf(w, `{"NextToken":%q,"NetworkInterfaceSets":{"NetworkInterfaceSet":[%s]}}`, tt.token(calls), tt.list(calls))
			})})
			_, err := c.NetworkInterfaces(t.Context(), tt.query)
			checkIs(t, err, ErrMalformed)
			if !strings.Contains(errText(err), tt.want) || calls != tt.wantCalls {
				t.Errorf("%d calls, error %v; want %d, %s", calls, err, tt.wantCalls, tt.want)
			}
		})
	}
}

func TestNetworkInterfacesAsksForIDsInChunksOfAHundred(t *testing.T) {
	setCredentials(t)
	var chunks []int
	c := newClient(t, ClientOptions{}, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, n, elements := r.URL.Query(), 0, []string(nil)
		for query.Has("NetworkInterfaceId." + strconv.Itoa(n+1)) {
			n++
			elements = append(elements, `{"NetworkInterfaceId":"`+query.Get("NetworkInterfaceId."+strconv.Itoa(n))+`"}`)
		}
		chunks = append(chunks, n)
		_, _ = io.WriteString(w, eniReply(strings.Join(elements, ",")))
	})})
	var want []string
	for i := range 250 {
		want = append(want, fmt.Sprintf("eni-%03d", i))
	}
	got, err := c.NetworkInterfaces(t.Context(), Query{IDs: want})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{100, 100, 50}, chunks); d != "" {
		t.Errorf("chunks (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want, ids(got)); d != "" {
		t.Errorf("ids (-want +got):\n%s", d)
	}
}

func TestInstanceTypesAsksInChunksOfTen(t *testing.T) {
	setCredentials(t)
	var chunks []int
	c := newClient(t, ClientOptions{}, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := 0
		for r.URL.Query().Has("InstanceTypes." + strconv.Itoa(n+1)) {
			n++
		}
		chunks = append(chunks, n)
		_, _ = io.WriteString(w, `{"InstanceTypes":{"InstanceType":[{"InstanceTypeId":"`+r.URL.Query().Get("InstanceTypes.1")+`"}]}}`)
	})})
	var types []string
	for i := range 12 {
		types = append(types, fmt.Sprintf("ecs.t%02d.large", i))
	}
	got, err := c.InstanceTypes(t.Context(), types...)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]InstanceType{{ID: "ecs.t00.large"}, {ID: "ecs.t10.large"}}, got); d != "" {
		t.Errorf("types (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]int{10, 2}, chunks); d != "" {
		t.Errorf("chunks (-want +got):\n%s", d)
	}
}

func TestBadArgumentsAreRefusedBeforeAnyCall(t *testing.T) {
	setCredentials(t)
	c := newClient(t, ClientOptions{}, transportFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no network")
	}))
	_, err1 := c.NetworkInterfaces(t.Context(), Query{InstanceID: "i-1&Action=Delete"})
	_, err2 := c.NetworkInterfaces(t.Context(), Query{IDs: []string{""}})
	_, err3 := c.NetworkInterface(t.Context(), "")
	_, err4 := c.InstanceTypes(t.Context())
	_, err5 := c.InstanceTypes(t.Context(), "a b")
	for _, err := range []error{err1, err2, err3, err4, err5} {
		checkIs(t, err, ErrInvalid)
	}
}

func TestNetworkInterfaceTellsWhenThereIsNone(t *testing.T) {
	setCredentials(t)
	h := answers(answer{200, `{"RequestId":"R","NetworkInterfaceId":"eni-1","QueueNumber":4,"MacAddress":"x"}`},
		answer{404, refusalBody("InvalidEniId.NotFound", "The specified ENI does not exist.")})
	var log strings.Builder
	c := newClient(t, ClientOptions{Log: slog.New(slog.NewTextHandler(&log, nil))}, handlerTransport{h})
	got, err := c.NetworkInterface(t.Context(), "eni-1")
	if err != nil || got.ID != "eni-1" || *got.QueueNumber != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "eni-1: MacAddress") {
		t.Errorf("log: %s", log.String())
	}
	_, err = c.NetworkInterface(t.Context(), "eni-2")
	checkIs(t, err, ErrNotFound)
	const want = "DescribeNetworkInterfaceAttribute: InvalidEniId.NotFound: The specified ENI does not exist (notfound, HTTP 404, request id RID-1); " +
		"the ENI does not exist in this region; check the id and the region; list them with: enitune eni list"
	if d := cmp.Diff(want, errText(err)); d != "" {
		t.Errorf("error (-want +got):\n%s", d)
	}
}

func ids(list []NetworkInterface) []string {
	var ids []string
	for _, n := range list {
		ids = append(ids, n.ID)
	}
	return ids
}

// checkIs checks an error's class by its sentinel; want nil means no error.
func checkIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if _, ok := errors.AsType[*Error](err); !ok && want != nil {
		t.Errorf("%T is no *Error", err)
	}
}
