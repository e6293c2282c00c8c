package static

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"
)

func bundle() fstest.MapFS {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, "let a=1")
	z.Close()
	return fstest.MapFS{
		"dist/.keep":           {},
		"dist/manifest.json":   {Data: []byte(`{"app.js":"app.AB12.js"}`)},
		"dist/app.AB12.js":     {Data: []byte("let a=1")},
		"dist/app.AB12.js.gz":  {Data: packed.Bytes()},
		"dist/chunk.CD.css":    {Data: []byte("a{}")},
		"dist/chunk.CD.css.gz": {Data: packed.Bytes()},
	}
}

func TestOpenSaysWhatToDoWhenNothingWasBuilt(t *testing.T) {
	_, err := open(fstest.MapFS{"dist/.keep": {}})
	if !errors.Is(err, ErrNotBuilt) {
		t.Fatalf("error %v, want ErrNotBuilt", err)
	}
	broken := bundle()
	delete(broken, "dist/app.AB12.js.gz")
	if _, err := open(broken); !errors.Is(err, ErrNotBuilt) {
		t.Fatalf("error %v for a missing compressed copy, want ErrNotBuilt", err)
	}
}

func TestServesHashedNamesForEver(t *testing.T) {
	assets, err := open(bundle())
	if err != nil {
		t.Fatal(err)
	}
	for _, encoding := range []string{"", "gzip, br"} {
		r := httptest.NewRequest("GET", assets.Path("app.js"), nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		assets.ServeHTTP(w, r)
		body := io.Reader(w.Body)
		if encoding != "" {
			if got := w.Header().Get("Content-Encoding"); got != "gzip" {
				t.Fatalf("content encoding %q, want gzip", got)
			}
			if body, err = gzip.NewReader(w.Body); err != nil {
				t.Fatal(err)
			}
		}
		text, _ := io.ReadAll(body)
		if string(text) != "let a=1" || w.Header().Get("Cache-Control") != forever {
			t.Errorf("encoding %q: body %q, cache %q", encoding, text, w.Header().Get("Cache-Control"))
		}
		if got := w.Header().Get("Content-Type"); got != "text/javascript; charset=utf-8" {
			t.Errorf("content type %q", got)
		}
	}
}

func TestServesNothingElse(t *testing.T) {
	assets, err := open(bundle())
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/static/", "/static/manifest.json", "/static/app.js", "/static/.keep", "/static/app.AB12.js.gz", "/static/../static.go"} {
		w := httptest.NewRecorder()
		assets.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s answers %d, want 404", target, w.Code)
		}
	}
	w := httptest.NewRecorder()
	assets.ServeHTTP(w, httptest.NewRequest("POST", assets.Path("app.js"), nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("POST answers %d, want 404", w.Code)
	}
}

func TestTheRealBundleHasWhatPagesAskFor(t *testing.T) {
	assets, err := Open()
	if errors.Is(err, ErrNotBuilt) {
		t.Fatal("run make build before the tests")
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app.js", "app.css", "theme.js", "favicon.svg", "logo.svg"} {
		w := httptest.NewRecorder()
		assets.ServeHTTP(w, httptest.NewRequest("GET", assets.Path(name), nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s answers %d with %d bytes", name, w.Code, w.Body.Len())
		}
	}
}
