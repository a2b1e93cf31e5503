package muster

import (
	"context"
	"maps"
)

// MaxOperator bounds the name of an operator, in characters.
const MaxOperator = 100

type operatorKey struct{}

// WithOperator returns a context that carries the name of the person who asks an operator's
// call, as they say it. Audit records have it beside the fingerprint of the key, which
// several may share; players are not told. Empty: nobody is named.
func WithOperator(ctx context.Context, name string) (context.Context, error) {
	if name != printable(name, MaxOperator) {
		return ctx, Errorf(Invalid, "operator.invalid", "an operator is named in at most %d printable characters", MaxOperator)
	}
	return context.WithValue(ctx, operatorKey{}, name), nil
}

// operatorFrom is the name of the operator who asks; empty: nobody is named.
func operatorFrom(ctx context.Context) string {
	name, _ := ctx.Value(operatorKey{}).(string)
	return name
}

// withOperator adds who asks to what an operator's audit record says.
func withOperator(ctx context.Context, detail map[string]string) map[string]string {
	name := operatorFrom(ctx)
	if name == "" {
		return detail
	}
	all := map[string]string{"operator": name}
	maps.Copy(all, detail)
	return all
}
