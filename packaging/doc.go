// Package packaging tests what git tells of the version, and, with the tag
// packages, the packages themselves: that they can be built again to the same
// bytes, what is in them, and what their scripts do to a system.
package packaging
