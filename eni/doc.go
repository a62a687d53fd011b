// Package eni is the cloud side of enitune: what the instance metadata service
// and the ECS API say about an instance and its elastic network interfaces
// (ENIs).
//
// [Metadata] answers who this instance is and which ENI stands behind which
// MAC address. [Client] answers what each ENI was given. The Parse functions
// turn the cloud's JSON into values and do nothing else. Every failure is an
// [Error] with a [Class], the cloud's own code and message, and the request id;
// [Codes] says what is known of each code.
//
// # Changing an ENI
//
// A [Modification] is what ModifyNetworkInterfaceAttribute can be asked for.
// [Modification.Diff] leaves what is still to do, [Preflight] checks it against
// the API's rules without asking anybody, and [Client.Modify] sends it, never
// twice without a look at the ENI in between. Only one failure is not an [Error]:
// an [AmbiguousError], a change of which nobody can tell whether it was made.
//
// # How the SDK is used
//
// The Alibaba Cloud SDK for Go supplies the credential chain. Requests are signed
// and sent here, because the SDK's client, as of v1.63.107, takes no context,
// changes the settings of the transport on every call (a race between goroutines),
// panics on an error body whose Code is not a string, puts the signed URL into its
// errors, prints requests to stdout when DEBUG=sdk is set, and reads NO_PROXY as a
// list of regular expressions; and because its JSON library's reflection keeps
// methods in the binary that nothing calls, a quarter of it. A test holds the
// signature to the SDK's.
//
// # Proxies
//
// ECS API calls follow HTTPS_PROXY and NO_PROXY as [net/http.ProxyFromEnvironment]
// reads them. [Metadata] never uses a proxy, and the credentials of the instance's
// RAM role come by it.
//
// # What stays the SDK's
//
// The other providers of the credential chain make their own requests. So does a
// profile of mode EcsRamRole, which asks http://100.100.100.200 through HTTP_PROXY
// if that is set. The credentials-URI provider (ALIBABA_CLOUD_CREDENTIALS_URI) prints
// a failed connection, with the URI, to standard output.
package eni
