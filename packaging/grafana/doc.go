// Package grafana holds the dashboards for Grafana, and gives their queries to
// the tests that ask them of a real Prometheus. The program does not import it.
package grafana
