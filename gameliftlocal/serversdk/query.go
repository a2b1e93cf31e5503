package serversdk

import "strings"

// query is the part of the connection URL that an SDK fills. Keys are case-sensitive.
type query struct {
	process, compute, fleet string
	sdkVersion, sdkLanguage string
	authorization           string
	algorithm, credential   string // of a signature
	date, signature         string
}

// maxValue bounds every value of the query: a URL is the first thing a stranger sends.
// The longest real one is a fleet or compute id of at most 256 characters.
const maxValue = 256

// parseQuery reads a raw query. The C++ and C# SDKs send some values without
// percent-encoding, so a plus is a plus, a broken escape stands for itself, and the
// first value of a key counts.
func parseQuery(raw string) query {
	values := map[string]string{}
	for part := range strings.SplitSeq(raw, "&") {
		key, value, _ := strings.Cut(part, "=")
		key = unescape(key)
		if _, known := values[key]; !known {
			values[key] = unescape(value)
		}
	}
	return query{
		process: values["pID"], compute: values["ComputeId"], fleet: values["FleetId"],
		sdkVersion: values["sdkVersion"], sdkLanguage: values["sdkLanguage"],
		authorization: values["Authorization"],
		algorithm:     values["X-Amz-Algorithm"], credential: values["X-Amz-Credential"],
		date: values["X-Amz-Date"], signature: values["X-Amz-Signature"],
	}
}

// unescape decodes the valid percent-escapes of s and leaves the rest as it is.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, ok1 := hexDigit(s[i+1])
			lo, ok2 := hexDigit(s[i+2])
			if ok1 && ok2 {
				b.WriteByte(hi<<4 | lo)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// problem says what is wrong with the query itself, or gives "".
func (q query) problem() string {
	for _, p := range []struct{ key, value string }{
		{"pID", q.process}, {"ComputeId", q.compute}, {"FleetId", q.fleet},
	} {
		switch {
		case p.value == "":
			return "the query parameter " + p.key + " is missing"
		case len(p.value) > maxValue:
			return "the query parameter " + p.key + " is too long"
		}
	}
	if max(len(q.authorization), len(q.credential), len(q.date), len(q.signature), len(q.sdkVersion), len(q.sdkLanguage)) > maxValue {
		return "a query parameter is too long"
	}
	return ""
}
