package static

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// ErrNotBuilt is returned by Open when the binary was built before the assets were.
var ErrNotBuilt = errors.New("the browser's assets are not in this binary: run make build")

// Prefix is the path under which Handler expects to be mounted.
const Prefix = "/static/"

// forever is what a hashed name allows: the content behind it can never change.
const forever = "public, max-age=31536000, immutable"

// Assets knows the hashed name of every file of the bundle.
type Assets struct {
	manifest map[string]string // plain name → hashed name
	files    map[string]file   // hashed name → content
}

type file struct {
	mediaType string
	plain     []byte
	gzip      []byte
}

// Open reads the embedded bundle. It returns ErrNotBuilt when there is none.
func Open() (*Assets, error) { return open(dist) }

func open(bundle fs.FS) (*Assets, error) {
	raw, err := fs.ReadFile(bundle, "dist/manifest.json")
	if err != nil {
		return nil, ErrNotBuilt
	}
	a := &Assets{files: map[string]file{}}
	if err := json.Unmarshal(raw, &a.manifest); err != nil {
		return nil, fmt.Errorf("%w: its manifest is damaged: %w", ErrNotBuilt, err)
	}
	entries, err := fs.ReadDir(bundle, "dist")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotBuilt, err)
	}
	for _, entry := range entries {
		if err := a.load(bundle, entry.Name()); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *Assets) load(bundle fs.FS, name string) error {
	if name == ".keep" || name == "manifest.json" || strings.HasSuffix(name, ".gz") {
		return nil
	}
	plain, err := fs.ReadFile(bundle, "dist/"+name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotBuilt, err)
	}
	packed, err := fs.ReadFile(bundle, "dist/"+name+".gz")
	if err != nil {
		return fmt.Errorf("%w: %s has no compressed copy", ErrNotBuilt, name)
	}
	a.files[name] = file{mediaType: mediaType(name), plain: plain, gzip: packed}
	return nil
}

// mediaType does not ask the machine's own table first: it differs from one installation to the next.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// Path is the URL path of one file by its plain name, "app.js" say. It panics when the bundle has no such file.
func (a *Assets) Path(name string) string {
	hashed, ok := a.manifest[name]
	if !ok {
		panic("static: no asset " + name)
	}
	return Prefix + hashed
}

// ServeHTTP serves GET and HEAD of hashed names; it answers 404 for every other path.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[strings.TrimPrefix(r.URL.Path, Prefix)]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	body := f.plain
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", forever)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = f.gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a browser that went away is nobody's error
	}
}
