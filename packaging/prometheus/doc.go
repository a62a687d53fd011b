// Package prometheus holds the recording and alerting rules for Prometheus, with
// promtool's unit tests of them in tests/. Its own tests hold the rules to the
// metrics that the program has, and to the runbooks. The program does not import it.
package prometheus
