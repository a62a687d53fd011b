package eni

import (
	"context"
	"strings"
)

// RAMRole returns the name of the RAM role that is attached to this instance.
// errors.Is(err, ErrNotFound) when there is none.
func (m *Metadata) RAMRole(ctx context.Context) (string, error) {
	return m.value(ctx, credentialsDir, func(text string) (string, error) {
		name, _, _ := strings.Cut(text, "\n") // an instance has at most one
		return parseWord(strings.TrimSuffix(strings.TrimSpace(name), "/"))
	})
}
