package muster

import (
	"fmt"
	"io"
	"strings"
)

// codeAlphabet is what codes for people are made of: without vowels, so that no words
// come about, and without what is taken for something else (0 and O, 1, I and L).
const codeAlphabet = "23456789BCDFGHJKMNPQRSTVWXYZ"

// newCode is n random characters, each as likely as any other.
func (b *Backend) newCode(n int) (string, error) {
	const whole = 256 - 256%len(codeAlphabet) // bytes from here on would favour the first characters
	code := make([]byte, 0, n)
	for buf := make([]byte, 2*n); len(code) < n; {
		if _, err := io.ReadFull(b.random, buf); err != nil {
			return "", fmt.Errorf("read random bytes: %w", err)
		}
		for _, r := range buf {
			if int(r) < whole && len(code) < n {
				code = append(code, codeAlphabet[int(r)%len(codeAlphabet)])
			}
		}
	}
	return string(code), nil
}

// typedCode is a code as people type it, made plain: in capitals, without spaces and
// hyphens. ok is false when it can be no code of n characters.
func typedCode(s string, n int) (code string, ok bool) {
	if len(s) > 4*n {
		return "", false
	}
	code = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s))
	return code, len(code) == n && strings.Trim(code, codeAlphabet) == ""
}
