package main

import "fmt"

// unexpected is an outcome that is not the one the story promises.
type unexpected struct{ what, want, got string }

func (u unexpected) Error() string {
	return fmt.Sprintf("%s: expected %s, got %s", u.what, u.want, u.got)
}

// expect gives an error unless got is want.
func expect[T comparable](what string, want, got T) error {
	if got == want {
		return nil
	}
	return unexpected{what: what, want: fmt.Sprint(want), got: fmt.Sprint(got)}
}
