package sts_test

import (
	"testing"

	"muster/aws/sts"
)

func TestRolesHoldTheirSessions(t *testing.T) {
	roles, err := sts.ParseRoles([]string{role})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		account, arn string
		want         bool
	}{
		"a session of the role":     {"123456789012", session, true},
		"another role":              {"123456789012", "arn:aws:sts::123456789012:assumed-role/Other/i-0abc", false},
		"an account that disagrees": {"210987654321", session, false},
		"somebody of a pool":        {"123456789012", "arn:aws:sts::123456789012:assumed-role/GameServer/CognitoIdentityCredentials", false},
		"a user":                    {"123456789012", "arn:aws:iam::123456789012:user/GameServer", false},
		"nobody":                    {"", "", false},
	} {
		if got := roles.Hold(c.account, c.arn); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (sts.Roles{}).Hold("123456789012", session) {
		t.Error("no roles hold somebody")
	}
	if _, err := sts.ParseRoles([]string{"GameServer"}); err == nil {
		t.Error("a name was taken for an ARN")
	}
}
