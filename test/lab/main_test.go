package lab_test

import (
	"testing"

	"github.com/enitune/enitune/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }
