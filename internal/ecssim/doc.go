// Package ecssim is a simulated Alibaba Cloud, as small as an ENI agent needs
// it: the ECS RPC endpoint and the instance metadata service, over one shared,
// mutable model of instances, instance types and elastic network interfaces.
//
// It serves unit tests (in process), network-namespace and virtual-machine
// labs and the demo (out of process, steered through the Control handler).
// What it knows about the real services comes from their documentation and
// from the client SDK's source; where those are silent the comment says so.
//
// The simulator is strict where the cloud is strict: signatures, timestamps,
// nonces, security tokens and metadata tokens are verified, and fields that
// the cloud leaves out are left out. On top it can misbehave on request, see
// Fault, Cloud.Throttle, Cloud.Deny and Cloud.SetLag.
//
// ModifyNetworkInterfaceAttribute follows the rules of its page, each with its
// code. What depends on the region or the account is set in Options; codes that
// need more than the model has (the zones of a VPC, the rules of a security
// group) come from a Fault.
//
// Keys and tokens that it issues protect nothing: they come from a seeded
// generator so that a run can be repeated.
package ecssim
