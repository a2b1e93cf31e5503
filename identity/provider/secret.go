package provider

// Secret gives a secret whenever it is needed: it may be replaced while the program runs. It
// is safe for concurrent use.
type Secret func() (string, error)

// FixedSecret is one that does not change.
func FixedSecret(value string) Secret { return func() (string, error) { return value, nil } }
