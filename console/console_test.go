package console

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func get(method, path string) *httptest.ResponseRecorder {
	return ask(Demo, httptest.NewRequest(method, path, nil))
}

func ask(game Game, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Handler(game).ServeHTTP(w, r)
	return w
}

// asset finds a built file of that ending, as the page names it.
func asset(t *testing.T, ending string) string {
	t.Helper()
	m := regexp.MustCompile(`"(/assets/[^"]+\` + ending + `)"`).FindStringSubmatch(get("GET", "/").Body.String())
	if m == nil {
		t.Fatalf("the page names no %s file", ending)
	}
	return m[1]
}

func TestFilesAreServedWithTheirTypesAndCacheRules(t *testing.T) {
	const forever = "public, max-age=31536000, immutable"
	cases := []struct{ path, kind, cache string }{
		{"/", "text/html; charset=utf-8", "no-cache"},
		{"/index.html", "text/html; charset=utf-8", "no-cache"},
		{"/favicon.svg", "image/svg+xml", "no-cache"},
		{asset(t, ".js"), "text/javascript; charset=utf-8", forever},
		{asset(t, ".css"), "text/css; charset=utf-8", forever},
	}
	for _, tc := range cases {
		t.Run(tc.path, func(t *testing.T) {
			w := get("GET", tc.path)
			h := w.Header()
			if w.Code != http.StatusOK || w.Body.Len() == 0 {
				t.Fatalf("status %d with %d bytes", w.Code, w.Body.Len())
			}
			if h.Get("Content-Type") != tc.kind || h.Get("Cache-Control") != tc.cache || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Fatalf("headers %v", h)
			}
		})
	}
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	for _, path := range []string{"/nothing", "/assets/", "/assets/../console.go", "/dist/index.html", "/v1/modes"} {
		if w := get("GET", path); w.Code != http.StatusNotFound {
			t.Errorf("%s answered %d", path, w.Code)
		}
	}
	if w := get("POST", "/"); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") == "" {
		t.Errorf("POST / answered %d %v", w.Code, w.Header())
	}
}

func TestABrowserGetsAPageWhereThereIsNothing(t *testing.T) {
	r := httptest.NewRequest("GET", "/absent", nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	w := ask(Demo, r)
	body := w.Body.String()
	if w.Code != http.StatusNotFound || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Content-Security-Policy") != contentPolicy {
		t.Errorf("status %d, headers %v", w.Code, w.Header())
	}
	if !strings.Contains(body, `href="/"`) || !strings.Contains(body, asset(t, ".css")) || strings.Contains(body, "absent") {
		t.Errorf("the page is %s", body)
	}
	if kind := get("GET", "/absent").Header().Get("Content-Type"); kind != "text/plain; charset=utf-8" {
		t.Errorf("whoever asks for no page gets %s", kind)
	}
}

func TestThePageIsToldWhoseGameIsPlayed(t *testing.T) {
	for game, mark := range map[Game]string{Demo: `data-game="demo"`, Own: `data-game="own"`} {
		w := ask(game, httptest.NewRequest("GET", "/", nil))
		if !strings.Contains(w.Body.String(), mark) {
			t.Errorf("the page of game %d lacks %s", game, mark)
		}
		if w.Header().Get("Content-Length") != strconv.Itoa(w.Body.Len()) {
			t.Errorf("a page of %d bytes has the length %s", w.Body.Len(), w.Header().Get("Content-Length"))
		}
	}
}

func TestThePageObeysItsOwnPolicy(t *testing.T) {
	w := get("GET", "/")
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self' ws: wss:", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy %q lacks %q", policy, part)
		}
	}
	page := w.Body.String()
	if strings.Contains(page, "<style") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(page) || strings.Contains(page, "style=") {
		t.Error("the page has inline code or styles, which its policy forbids")
	}
	if regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(page) {
		t.Error("the page loads something from elsewhere")
	}
}
