package gameliftlocal

import "testing"

func TestNamesReadIDsAndARNs(t *testing.T) {
	n := names{"us-west-2", "123456789012"}
	for _, c := range []struct {
		name, in, want string
		ok             bool
	}{
		{"an id", "fleet-1", "fleet-1", true},
		{"the ARN that we write", n.arn(kindFleet, "fleet-1"), "fleet-1", true},
		{"an ARN without account", "arn:aws:gamelift:us-west-2::fleet/fleet-1", "fleet-1", true},
		{"an ARN of another partition", "arn:aws-cn:gamelift:us-west-2:123456789012:fleet/fleet-1", "fleet-1", true},
		{"another region", "arn:aws:gamelift:eu-west-1:123456789012:fleet/fleet-1", "", false},
		{"another account", "arn:aws:gamelift:us-west-2:210987654321:fleet/fleet-1", "", false},
		{"another service", "arn:aws:sns:us-west-2:123456789012:fleet/fleet-1", "", false},
		{"another kind", "arn:aws:gamelift:us-west-2:123456789012:alias/fleet-1", "alias/fleet-1", false},
		{"half an ARN", "arn:aws:gamelift", "", false},
	} {
		got, ok := n.id(kindFleet, c.in)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%s: %q, %v", c.name, got, ok)
		}
	}
	if kind, id, ok := n.kindOf(n.arn(kindQueue, "q")); kind != kindQueue || id != "q" || !ok {
		t.Errorf("kindOf: %s %s %v", kind, id, ok)
	}
	for _, in := range []string{"", "q", "arn:aws:gamelift:us-west-2:123456789012:q", "arn:aws:gamelift:eu-west-1::fleet/f"} {
		if _, _, ok := n.kindOf(in); ok {
			t.Errorf("kindOf took %q", in)
		}
	}
}
