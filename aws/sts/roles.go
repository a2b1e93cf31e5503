package sts

import "fmt"

// Roles are IAM roles that count.
type Roles struct{ known map[role]bool }

// ParseRoles reads the ARNs of roles.
func ParseRoles(arns []string) (Roles, error) {
	known := make(map[role]bool, len(arns))
	for _, arn := range arns {
		r, ok := parse(roleARN, arn)
		if !ok {
			return Roles{}, fmt.Errorf("%q is not the ARN of a role, such as arn:aws:iam::123456789012:role/GameServer", arn)
		}
		known[r] = true
	}
	return Roles{known}, nil
}

// Hold says that the ARN of a role's session, as AWS names a signer, is of one of the roles,
// and in an account. Whoever is of an identity pool does not count: they all share a name.
func (r Roles) Hold(account, arn string) bool {
	assumed, ok := parse(assumedARN, arn)
	return ok && r.known[assumed] && assumed.account == account && !isOfPool(arn)
}
