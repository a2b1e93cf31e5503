// Package console is the pages that Muster serves to a browser: the lobby and the demo
// game. They are written in TypeScript (src), built by `npm ci && npm run build`, and
// their built files (dist) are part of the repository and of the program, so that
// neither needs Node. Handler serves them; it knows nothing of the backend, which the
// pages reach by its public interfaces on the same address.
package console

import (
	"bytes"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// contentPolicy allows what the pages need and nothing else: their own files, and
// WebSockets to any address, because game servers run wherever the fleet is.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// file is one built file, ready to be sent.
type file struct {
	body      []byte
	kind      string // Content-Type
	immutable bool   // its name changes with its content
}

// Game is what the game servers play, and so what the pages can do. The zero value is
// the demo game.
type Game uint8

// What is played.
const (
	Demo Game = iota // the pages play it
	Own              // a studio's own: the pages sign in, queue and show the seat
)

// Handler serves the pages: / and /index.html are the lobby, /assets/ holds files whose
// names change with their content, and everything else is not found: a small page for
// browsers, a line of text for others.
func Handler(game Game) http.Handler {
	files := load()
	if game == Own {
		index := files[indexPage]
		index.body = bytes.Replace(index.body, []byte(`data-game="demo"`), []byte(`data-game="own"`), 1)
		files[indexPage] = index
	}
	missing := missingPage(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name == "" {
			name = indexPage
		}
		f, ok := files[name]
		status := http.StatusOK
		if !ok {
			h.Set("Vary", "Accept")
			if !strings.Contains(r.Header.Get("Accept"), "text/html") {
				http.NotFound(w, r)
				return
			}
			f, status = missing, http.StatusNotFound
		}
		h.Set("Content-Type", f.kind)
		h.Set("Content-Length", strconv.Itoa(len(f.body)))
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if f.immutable {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		w.WriteHeader(status)
		_, _ = w.Write(f.body) // for HEAD, net/http drops it; otherwise the client went
	})
}

const indexPage = "index.html"

// missingPage is what a browser sees where there is nothing, in the lobby's style.
func missingPage(files map[string]file) file {
	style := ""
	for name := range files {
		if path.Ext(name) == ".css" {
			style += `<link rel="stylesheet" href="/` + name + `">`
		}
	}
	body := `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">` +
		`<title>Not found · Muster</title>` + style + `</head><body><div id="app"><main class="center"><h1>There is nothing here</h1>` +
		`<p class="muted">This address has no page.</p><a class="btn main" href="/">To the lobby</a></main></div></body></html>` + "\n"
	return file{body: []byte(body), kind: contentType(".html")}
}

// load reads every built file. The files are part of the program, so failing to read
// one is a broken build.
func load() map[string]file {
	files := map[string]file{}
	err := fs.WalkDir(dist, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := dist.ReadFile(name)
		short := strings.TrimPrefix(name, "dist/")
		files[short] = file{body: body, kind: contentType(short), immutable: strings.HasPrefix(short, "assets/")}
		return err
	})
	if err != nil {
		panic("read the embedded pages: " + err.Error())
	}
	return files
}

// contentType names the type by the file's ending. The few types that are built are
// spelt out, because the system's own table differs between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
