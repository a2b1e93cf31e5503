//go:build !linux

package identity

// yieldThread would have the goroutine computed by a thread that gives way to all others.
// Here threads have no priorities of their own.
func yieldThread() {}
