package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// fetch makes a call. Where nobody answers, the status is 0 and the answer says why.
func fetch(t *testing.T, method, url, token, body string) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if answer, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// get asks for what is at a URL.
func get(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	status, answer := fetch(t, http.MethodGet, url, token, "")
	return status, string(answer)
}

// call makes a call and decodes its answer into out.
func call(t *testing.T, method, url, token, body string, out any) (status int) {
	t.Helper()
	status, answer := fetch(t, method, url, token, body)
	if err := json.Unmarshal(answer, out); err != nil {
		t.Fatalf("%s %s answers %s", method, url, answer)
	}
	return status
}

// post is call with the method that most calls have.
func post(t *testing.T, url, token, body string, out any) (status int) {
	t.Helper()
	return call(t, http.MethodPost, url, token, body, out)
}

// call makes a call of the backend of a house.
func (h *house) call(t *testing.T, method, path, token, body string, out any) (status int) {
	t.Helper()
	return call(t, method, h.url()+path, token, body, out)
}
