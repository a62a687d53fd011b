package man

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const document = "# Title\n\nFirst `a-b` **bold**, *it* and [here](there.md#x).\n'quoted' \\ line\n\n" +
	"## Keys\n\n| key | value | default | effect |\n|---|---|---|---|\n| `a.b` | 1 to 5 | `2` | Does. |\n| `c` | | | Other things. |\n\n| what | here | now |\n|---|---|---|\n| x | long text. | no |\n\n" +
	"### Lists\n\n- one\n- two\n\n1. first\n2. second\n\n```yaml\nkey: \"v\"\n.dot\n\n  - x\n```\n"

const rendered = `.\" Generated; the sources are the commands' help texts and the pages under docs/.
.TH "THING" 5 "2026-01-02" "thing 1.0" "File Formats"
.nh
.ad l
.SH "NAME"
thing \- does things
.SH "DESCRIPTION"
First \fBa\-b\fR \fBbold\fR, \fIit\fR and here:there.md#x.
\&'quoted' \e line
.SH "KEYS"
.TP
\fBa.b\fR
Value: 1 to 5. Default: \fB2\fR.
.br
Does.
.TP
\fBc\fR
Other things.
.TP
x
Here: long text.
.br
Now: no.
.SS "Lists"
.IP \(bu 2
one
.IP \(bu 2
two
.IP 1. 4
first
.IP 2. 4
second
.PP
.RS 4
.nf
key: "v"
\&.dot
\&
  \- x
.fi
.RE
`

func TestADocumentBecomesAPage(t *testing.T) {
	page := New("thing", 5, "does things", Source{Product: "thing 1.0", Date: time.Date(2026, 1, 2, 23, 0, 0, 0, time.UTC)})
	if err := page.Markdown([]byte(document), func(words, to string) string { return words + ":" + to }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rendered, page.String()); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestWhatAPageCannotShowIsAnError(t *testing.T) {
	for _, text := range []string{"> a quotation\n", "![an image](x.png)\n", "- a list\n\n  ```\n  with code\n  ```\n"} {
		page := New("thing", 5, "does things", Source{})
		err := page.Markdown([]byte(text), func(words, _ string) string { return words })
		if err == nil || !strings.Contains(err.Error(), "is not known to the writer") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}
