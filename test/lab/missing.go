package lab

import (
	"errors"
	"fmt"
	"os"
	"testing"
)

// missingError marks what the lab needs and this machine lacks.
type missingError struct {
	what   string
	remedy string
}

func (e *missingError) Error() string { return fmt.Sprintf("%s; %s", e.what, e.remedy) }

// setupRemedy is what puts most missing things right.
const setupRemedy = "type: test/lab/setup.sh"

// abort ends the test because of err: as a failure, or as skipped where only something is missing and CI=true is not set.
func abort(t testing.TB, err error) {
	t.Helper()
	var missing *missingError
	if errors.As(err, &missing) && os.Getenv("CI") != "true" {
		t.Skipf("lab: %v", err)
	}
	t.Fatalf("lab: %v", err)
}
