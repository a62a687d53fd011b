// Package agent joins the guest and the cloud: it finds out what is wanted
// (desired.go, cloud.go, store.go), brings the guest in line (reconcile.go),
// remembers what happened (memory.go), keeps it so (loop.go, trigger.go,
// pace.go), and reports (report.go, build.go, changes.go).
//
// There is one Reconcile with two lifetimes: `plan` and `apply` call it once,
// the daemon on each trigger.
package agent
