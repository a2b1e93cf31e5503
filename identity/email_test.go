package identity

import (
	"strings"
	"testing"

	"muster"
)

func TestAddressesHaveOneForm(t *testing.T) {
	for in, want := range map[string]string{
		"ann@example.com":            "ann@example.com",
		" Ann.Lee+game@Example.COM ": "ann.lee+game@example.com",
		"ann@bücher.example":         "ann@xn--bcher-kva.example",
		"ann@BÜCHER.example":         "ann@xn--bcher-kva.example",
		"o'hara!#$%@a.bc":            "o'hara!#$%@a.bc",
	} {
		if got, err := canonicalEmail(in); err != nil || got != want {
			t.Errorf("%q is %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWhatIsNoAddress(t *testing.T) {
	for name, in := range map[string]string{
		"nothing":                     "",
		"no at":                       "ann.example.com",
		"nobody":                      "@example.com",
		"nowhere":                     "ann@",
		"a machine without a domain":  "ann@localhost",
		"an IP address":               "ann@127.0.0.1",
		"an IP address in brackets":   "ann@[127.0.0.1]",
		"two dots":                    "ann..lee@example.com",
		"a dot at the end":            "ann.@example.com",
		"a domain that ends in a dot": "ann@example.com.",
		"a quoted part":               `"ann lee"@example.com`,
		"a name before it":            "Ann <ann@example.com>",
		"a second recipient":          "ann@example.com,bob@example.com",
		"a header":                    "ann@example.com\r\nBcc: bob@example.com",
		"a header before the at":      "ann\r\nBcc: bob@example.com",
		"letters from elsewhere":      "änn@example.com",
		"an endless name":             strings.Repeat("a", 65) + "@example.com",
		"an endless domain":           "ann@" + strings.Repeat("a.", 200) + "com",
		"a label with a space":        "ann@exa mple.com",
		"a null":                      "ann\x00@example.com",
		"a domain that is no text":    "ann@b\xc3üher.example",
		"a replacement character":     "ann@b\ufffdher.example",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := canonicalEmail(in)
			wantRefusal(t, err, muster.Invalid, "email.invalid")
			if got != "" {
				t.Errorf("it is %q", got)
			}
		})
	}
}

// An address in its form stays so, and nothing in it could end a line or an address.
func FuzzAddresses(f *testing.F) {
	for _, seed := range []string{"Ann@Example.com", "a@bücher.example", "a@b.c\r\n", "\"a b\"@c.de", "a@xn--a.b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := canonicalEmail(in)
		if err != nil {
			return
		}
		again, err := canonicalEmail(got)
		if err != nil || again != got {
			t.Errorf("%q is %q, and that %q, %v", in, got, again, err)
		}
		if strings.ContainsAny(got, " \r\n\t<>,;\"\\") || strings.Count(got, "@") != 1 || len(got) > maxAddress {
			t.Errorf("%q is %q", in, got)
		}
	})
}
