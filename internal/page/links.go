package page

import "strings"

// runbooks is where each alert has its page.
const runbooks = "https://github.com/enitune/enitune/blob/HEAD/docs/runbooks/"

// icon is the tone for the browser's tab, as a picture that is part of its address.
func icon(t tone) string {
	colour, shape := "%23667085", "M10 16h12"
	switch t {
	case toneBad:
		colour, shape = "%23c4320a", "M11 11l10 10M21 11L11 21"
	case toneWarn:
		colour, shape = "%23b47600", "M16 8v9M16 22v1"
	case toneGood:
		colour, shape = "%231a7f47", "M9 17l5 5 9-11"
	case toneNote:
	}
	return strings.Join([]string{"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='8' fill='", colour,
		"'/%3E%3Cpath d='", shape, "' fill='none' stroke='%23fff' stroke-width='4' stroke-linecap='round'/%3E%3C/svg%3E"}, "")
}
