package cognito

import (
	"fmt"
	"regexp"
	"strings"
)

// PoolID names a user pool: "eu-central-1_AbCdEfGhI".
type PoolID string

// userPoolID is the form of a pool's id. Source: Cognito API reference, UserPoolType; "local"
// is where npm's cognito-local has its pools.
var userPoolID = regexp.MustCompile(`^([a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]+|local)_([A-Za-z0-9]{1,45})$`)

// identityPoolID is the form of an identity pool's id, and of an identity's. Source:
// Cognito Federated Identities API reference, IdentityPoolId.
var identityPoolID = regexp.MustCompile(`^([a-z]{2,4}(?:-[a-z]+){1,3}-[0-9]+):[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Check says that an id has the form of one.
func (id PoolID) Check() error {
	if !userPoolID.MatchString(string(id)) {
		return fmt.Errorf("%q is not the id of a user pool, such as eu-central-1_AbCdEfGhI", string(id))
	}
	return nil
}

// Region is where the pool is.
func (id PoolID) Region() string {
	region, _, _ := strings.Cut(string(id), "_")
	return region
}

// name is the part of the id that enters password proofs.
func (id PoolID) name() string {
	_, name, _ := strings.Cut(string(id), "_")
	return name
}

// CheckIdentityPool says that an id has the form of an identity pool's.
func CheckIdentityPool(id string) error {
	if !identityPoolID.MatchString(id) {
		return fmt.Errorf("%q is not the id of an identity pool, such as eu-central-1:0a1b2c3d-0000-4000-8000-000000000000", id)
	}
	return nil
}

// regionOf is the region of an identity pool.
func regionOf(identityPool string) string {
	region, _, _ := strings.Cut(identityPool, ":")
	return region
}

// domain is where the AWS services of a region have their names.
func domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
