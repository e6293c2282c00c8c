package web

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"longwave/views"
)

// The names of the cookies. The prefix makes browsers insist on Secure, Path=/ and no Domain, which they can only do
// over TLS; over plain HTTP, as on the machine itself, the plain name is used.
const (
	sessionCookie = "longwave"
	flashCookie   = "longwave-flash"
	securePrefix  = "__Host-"
)

// flashSeconds is longer than a redirect takes and shorter than anybody's memory of what they did.
const flashSeconds = 30

// maxFlash bounds what is kept in the cookie and read back from it: in base64 it stays below the 4 KiB that browsers
// keep, and it has room for the ids of a page of devices.
const maxFlash = 2800

// undoMark stands between the sentence and the path that takes the step back.
const undoMark = "\x00"

func (w *Web) cookieName(r *http.Request, name string) string {
	if w.handler.Secure(r) {
		return securePrefix + name
	}
	return name
}

func (w *Web) setCookie(out http.ResponseWriter, r *http.Request, name, value string, maxAge int) {
	http.SetCookie(out, &http.Cookie{
		Name: w.cookieName(r, name), Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: w.handler.Secure(r), SameSite: http.SameSiteLaxMode,
	})
}

func (w *Web) sessionToken(r *http.Request) string {
	cookie, err := r.Cookie(w.cookieName(r, sessionCookie))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// flash keeps a sentence for the page after the redirect.
func (w *Web) flash(out http.ResponseWriter, r *http.Request, f views.Flash) {
	kind := "+"
	if f.Failed {
		kind = "-"
	}
	w.setCookie(out, r, flashCookie, base64.RawURLEncoding.EncodeToString([]byte(kind+f.Text+undoMark+f.Undo)), flashSeconds)
}

// done is flash for a step that worked.
func (w *Web) done(out http.ResponseWriter, r *http.Request, text string) {
	w.flash(out, r, views.Flash{Text: text})
}

// undoable is done for a step that one click takes back, by a post to a path of ours. A path that no cookie holds is left
// out: then the step is taken back as it was taken.
func (w *Web) undoable(out http.ResponseWriter, r *http.Request, text, undo string) {
	if len(text)+len(undo)+len(undoMark) >= maxFlash {
		undo = ""
	}
	w.flash(out, r, views.Flash{Text: text, Undo: undo})
}

// takeFlash reads the sentence and forgets it. Whatever else stands in the cookie is ignored.
func (w *Web) takeFlash(out http.ResponseWriter, r *http.Request) []views.Flash {
	cookie, err := r.Cookie(w.cookieName(r, flashCookie))
	if err != nil {
		return nil
	}
	w.setCookie(out, r, flashCookie, "", -1)
	raw, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	text := string(raw)
	if err != nil || len(text) < 2 || len(text) > maxFlash || !utf8.ValidString(text) {
		return nil
	}
	sentence, undo, _ := strings.Cut(text[1:], undoMark)
	if !strings.HasPrefix(undo, "/t/") {
		undo = ""
	}
	return []views.Flash{{Failed: strings.HasPrefix(text, "-"), Text: sentence, Undo: undo}}
}
