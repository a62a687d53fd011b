package main

import (
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// columns lays rows out as a table without borders; the named columns are
// numbers and stand to the right.
func columns(header []string, rows [][]string, right ...string) string {
	t := table.NewWriter()
	t.SetStyle(table.Style{Name: "plain", Box: table.StyleBoxDefault, Options: table.OptionsNoBordersAndSeparators, Format: table.FormatOptions{Header: text.FormatUpper}})
	t.Style().Box.PaddingLeft = ""
	t.Style().Box.PaddingRight = "  "
	t.AppendHeader(cells(header))
	var configs []table.ColumnConfig
	for _, name := range right {
		configs = append(configs, table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
	for _, row := range rows {
		t.AppendRow(cells(row))
	}
	return trimLines(t.Render())
}

func cells(list []string) table.Row {
	row := make(table.Row, len(list))
	for i, s := range list {
		row[i] = oneLine(s)
	}
	return row
}

// pair is a line of a description: what it is and its value.
type pair struct{ name, value string }

// description lays pairs out in two columns. Pairs without a value are left out.
func description(pairs []pair) string {
	var clean []pair
	for _, p := range pairs {
		if p.value != "" {
			clean = append(clean, pair{p.name, oneLine(p.value)})
		}
	}
	return aligned(clean)
}

// aligned is description for values that are fit to print, such as painted ones.
func aligned(pairs []pair) string {
	width := 0
	for _, p := range pairs {
		width = max(width, len(p.name))
	}
	var b strings.Builder
	for _, p := range pairs {
		b.WriteString("  " + p.name + strings.Repeat(" ", width-len(p.name)+2) + p.value + "\n")
	}
	return b.String()
}

// count shows a number that may be absent.
func count(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

// known shows a number or switch where there is one; "" where not.
func known[T int | bool](v *T) string {
	switch v := any(v).(type) {
	case *int:
		if v != nil {
			return strconv.Itoa(*v)
		}
	case *bool:
		if v != nil {
			return strconv.FormatBool(*v)
		}
	}
	return ""
}
