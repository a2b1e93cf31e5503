package gameliftlocal

import (
	"strings"
)

// The resource part of the ARNs that this service makes.
const (
	kindFleet         = "fleet"
	kindLocation      = "location"
	kindCompute       = "compute"
	kindAlias         = "alias"
	kindQueue         = "gamesessionqueue"
	kindConfiguration = "matchmakingconfiguration"
	kindRuleSet       = "matchmakingruleset"
)

// names makes and reads the identifiers of one account in one region.
type names struct {
	region  string // "us-west-2"
	account string // twelve digits
}

// arn is the full name of a resource, with the account in it. Amazon's own pages
// print some of these with an empty account; both are read, this form is written.
func (n names) arn(kind, id string) string {
	return "arn:aws:gamelift:" + n.region + ":" + n.account + ":" + kind + "/" + id
}

// id reads an "id or ARN" member. An ARN must be of this kind and region and of this
// account or of none; ok is false otherwise, and the resource then counts as unknown.
func (n names) id(kind, idOrARN string) (id string, ok bool) {
	if !strings.HasPrefix(idOrARN, "arn:") {
		return idOrARN, true
	}
	parts := strings.SplitN(idOrARN, ":", 6)
	if len(parts) != 6 || parts[2] != "gamelift" || parts[3] != n.region {
		return "", false
	}
	if parts[4] != "" && parts[4] != n.account {
		return "", false
	}
	return strings.CutPrefix(parts[5], kind+"/")
}

// kindOf reads the resource kind out of an ARN of this region and account.
func (n names) kindOf(arn string) (kind, id string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return "", "", false
	}
	kind, _, ok = strings.Cut(parts[5], "/")
	if !ok {
		return "", "", false
	}
	id, ok = n.id(kind, arn)
	return kind, id, ok && strings.HasPrefix(arn, "arn:")
}
