// Package netns runs integration tests inside private Linux namespaces, so that the NICs, addresses and files that a test
// needs never touch the machine it runs on.
//
// A test package opts in with a TestMain:
//
//	func TestMain(m *testing.M) { netns.Main(m) }
//
// All of its tests then run as root of a user, network and mount namespace of their own, as root and without privileges
// alike. The loopback device is up and nothing else exists; the helpers add what a test asks for and take it away again.
package netns
