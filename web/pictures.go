package web

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/picture"
)

// Pictures are the pictures that dashboards show.
type Pictures interface {
	Put(ctx context.Context, t id.Tenant, data []byte, used func(name string) bool) (picture.Picture, error)
	Get(ctx context.Context, t id.Tenant, name string) (picture.Picture, error)
}

// picturePolicy lets a picture do nothing at all, should a browser ever take it for a page.
const picturePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// addPicture takes a file as it is, and answers {"name":"…"}, or {"detail":"…"} with 413, 415 or 422.
func (w *Web) addPicture(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	data, err := io.ReadAll(http.MaxBytesReader(out, r.Body, picture.MaxUpload+1))
	if err != nil {
		return answerJSON(out, http.StatusRequestEntityTooLarge, saveProblem{Detail: "The file is larger than 4 MiB. Make the picture smaller and try again."})
	}
	made, err := w.o.Pictures.Put(r.Context(), p.Tenant(), data, w.picturesOf(p.Tenant()))
	switch {
	case errors.Is(err, picture.ErrFormat):
		return answerJSON(out, http.StatusUnsupportedMediaType, saveProblem{Detail: "The file is neither PNG nor JPEG, or is damaged. Save the drawing as PNG and try again."})
	case errors.Is(err, picture.ErrTooLarge):
		return answerJSON(out, http.StatusRequestEntityTooLarge, saveProblem{Detail: "The picture is too large: at most 9 million pixels, 4 MiB as a file and 900 KiB as it is kept. Make it smaller and try again."})
	case errors.Is(err, picture.ErrFull):
		return answerJSON(out, http.StatusUnprocessableEntity, saveProblem{Detail: "There is no room for another picture. Remove one from a dashboard, or the dashboard itself, and try again."})
	case err != nil:
		return err
	}
	return answerJSON(out, http.StatusOK, map[string]string{"name": made.Name})
}

// picturesOf says which pictures the dashboards of a tenant name, also in versions that one may go back to.
func (w *Web) picturesOf(t id.Tenant) func(name string) bool {
	named := map[string]bool{}
	for _, d := range w.o.Tenants.State().Dashboards(t) {
		for _, v := range d.Versions {
			for _, each := range v.Document.Widgets {
				named[each.Picture] = true
			}
		}
	}
	return func(name string) bool { return named[name] }
}

// servePicture may be kept by the browser for ever: another picture has another name.
func (w *Web) servePicture(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.o.Pictures.Get(r.Context(), p.Tenant(), chi.URLParam(r, "picture"))
	if errors.Is(err, picture.ErrMissing) {
		return tenants.ErrNotFound
	}
	if err != nil {
		return err
	}
	h := out.Header()
	h.Set("Content-Type", found.Type)
	h.Set("Content-Security-Policy", picturePolicy)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	_, err = out.Write(found.Data)
	return err
}
