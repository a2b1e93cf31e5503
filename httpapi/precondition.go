package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"muster"
)

// precondition is what the headers of a change ask for.
func precondition(ifMatch, ifNoneMatch string) (muster.Precondition, error) {
	match, ok := entityTags(ifMatch, true)
	noneMatch, alsoOK := entityTags(ifNoneMatch, false)
	if !ok || !alsoOK {
		return muster.Precondition{}, muster.Errorf(muster.Invalid, "request.etag", "If-Match and If-None-Match hold ETags in quotes, or *")
	}
	return muster.Precondition{Match: match, NoneMatch: noneMatch}, nil
}

// isKnown says that the If-None-Match of a reader names the tag.
func isKnown(ifNoneMatch, tag string) bool {
	known, ok := entityTags(ifNoneMatch, false)
	for _, k := range known {
		if ok && (k == tag || k == "*") {
			return true
		}
	}
	return false
}

// weakTag stands for a weak ETag where only strong ones count: no tag of ours has it.
const weakTag = "W/"

// entityTags reads a list of ETags. strong: a weak one is none that could match. Source:
// RFC 9110, section 8.8.3; none of our tags holds a comma.
func entityTags(header string, strong bool) (tags []string, ok bool) {
	if header == "" {
		return nil, true
	}
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimSpace(part)
		if part == "*" {
			tags = append(tags, part)
			continue
		}
		quoted, weak := strings.CutPrefix(part, weakTag)
		if len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' || strings.Contains(quoted[1:len(quoted)-1], `"`) {
			return nil, false
		}
		switch tag := quoted[1 : len(quoted)-1]; {
		case weak && strong, tag == "*": // a tag of that text is not the star
			tags = append(tags, weakTag)
		default:
			tags = append(tags, tag)
		}
	}
	return tags, true
}

// etag is a tag as the header writes it.
func etag(tag string) string {
	if tag == "" {
		return ""
	}
	return `"` + tag + `"`
}

// preconditioned gives refusals of a Precondition their own statuses, and the current
// ETag.
func preconditioned(err error) error {
	var e *muster.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case muster.PreconditionFailed:
		p := newProblem(http.StatusPreconditionFailed, e.Code, e.Message)
		p.extra, p.header = encoded(e.Details), http.Header{}
		if tag, ok := e.Details["etag"].(string); ok {
			p.header.Set("ETag", etag(tag))
		}
		return p
	case muster.PreconditionRequired:
		return newProblem(http.StatusPreconditionRequired, e.Code, e.Message)
	}
	return err
}
