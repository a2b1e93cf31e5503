package identity

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the lists' choice; nothing rests on its strength
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// BreachedFile is a list of SHA-1 hashes in a file: one a line in hexadecimal, sorted,
// with or without ":COUNT", as the downloader of Have I Been Pwned writes it. It is
// searched where it lies, with some thirty short reads, and is safe for concurrent use.
type BreachedFile struct {
	file *os.File
	size int64
}

// maxHashLine bounds a line of a list, in bytes: 40 digits and a count.
const maxHashLine = 64

// OpenBreachedFile opens a list and looks whether it is one.
func OpenBreachedFile(path string) (*BreachedFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil {
		list := &BreachedFile{file: file, size: info.Size()}
		if _, _, err = list.lineFrom(0); err == nil {
			return list, nil
		}
	}
	return nil, errors.Join(err, file.Close())
}

// Close closes the file.
func (b *BreachedFile) Close() error { return b.file.Close() }

// Breached searches the list.
func (b *BreachedFile) Breached(_ context.Context, password string) (bool, error) {
	want := breachedHash(password)
	low, high := int64(0), b.size // a line that is the hash begins at low or later, before high
	for low < high {
		middle := low + (high-low)/2
		hash, next, err := b.lineFrom(middle)
		if errors.Is(err, io.EOF) { // no line begins after the middle
			high = middle
			continue
		}
		if err != nil {
			return false, err
		}
		switch strings.Compare(want, hash) {
		case 0:
			return true, nil
		case -1:
			high = middle
		default:
			low = next
		}
	}
	return false, nil
}

// lineFrom reads the hash of the first line that begins at an offset or later, and where
// the line after it begins.
func (b *BreachedFile) lineFrom(offset int64) (hash string, next int64, err error) {
	start := max(0, offset-1) // a line that begins at the offset follows an end of line
	buf := make([]byte, 2*maxHashLine+2)
	n, err := b.file.ReadAt(buf, start)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", 0, fmt.Errorf("read the list of breached passwords: %w", err)
	}
	rest, skipped := buf[:n], start
	if offset > 0 {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return "", 0, io.EOF
		}
		rest, skipped = rest[end+1:], start+int64(end)+1
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	if len(line) == 0 {
		return "", 0, io.EOF
	}
	if len(line) < 2*sha1.Size {
		return "", 0, errors.New("the list of breached passwords has a line that does not begin with a SHA-1 hash")
	}
	hash = strings.ToUpper(string(line[:2*sha1.Size]))
	if _, err := hex.DecodeString(hash); err != nil {
		return "", 0, errors.New("the list of breached passwords has a line that does not begin with a SHA-1 hash")
	}
	return hash, skipped + int64(len(line)) + 1, nil
}

// breachedHash is how lists know a password.
func breachedHash(password string) string {
	sum := sha1.Sum([]byte(password)) //nolint:gosec // as above
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// BreachedRange asks a service for all hashes that begin like the password's: the service
// learns five of forty digits, which some thousand listed passwords share (Have I Been
// Pwned, "Searching by range").
type BreachedRange struct {
	URL    string // the five digits are added to it
	Client *http.Client
	// Required says that nothing is accepted while the service cannot be asked. Otherwise it is
	// as if the password were not on the list, and Down is told.
	Required bool
	Down     func(err error)
}

// Bounds of an answer of such a service.
const (
	rangeWithin = 2 * time.Second
	maxRange    = 1 << 20 // bytes
)

// Breached asks the service.
func (b *BreachedRange) Breached(ctx context.Context, password string) (bool, error) {
	hash := breachedHash(password)
	known, err := b.ask(ctx, hash[:5], hash[5:])
	if err == nil || ctx.Err() != nil {
		return known, err
	}
	b.Down(err)
	if b.Required {
		return false, Refusal(ProviderUnavailable, err)
	}
	return false, nil
}

func (b *BreachedRange) ask(ctx context.Context, prefix, suffix string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, rangeWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+prefix, http.NoBody)
	if err != nil {
		return false, err
	}
	req.Header.Set("Add-Padding", "true") // or the length of the answer tells which range was asked for
	answer, err := b.Client.Do(req)
	if err != nil {
		return false, fmt.Errorf("ask for breached passwords: %w", rangeError(err))
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("ask for breached passwords: the service answers %d", answer.StatusCode)
	}
	lines := bufio.NewScanner(io.LimitReader(answer.Body, maxRange))
	for lines.Scan() {
		hash, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(hash, suffix) {
			return count != "0", nil // padding has a count of 0
		}
	}
	return false, lines.Err()
}

// rangeError is an error without the address that was asked for, which has a part of a
// hash in it.
func rangeError(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		return asked.Err
	}
	return err
}
