package provider

import (
	"context"
	"fmt"
)

// read returns the secret for a call. One that cannot be had, or is empty, is ours to mend;
// what names it.
func (s Secret) read(ctx context.Context, client *Client, what string) (string, error) {
	text, err := s()
	if err != nil || text == "" {
		return "", client.Misconfigured(ctx, fmt.Sprintf("%s cannot be read", what))
	}
	return text, nil
}
