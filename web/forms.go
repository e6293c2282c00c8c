package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"longwave/tenants"
	"longwave/views"
	"longwave/web/handler"
)

// maxForm bounds what a form may send: the largest, a page of selected devices, needs a tenth of it.
const maxForm = 256 << 10

// parse reads a posted form. The error is the caller's fault.
func parse(out http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(out, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, fmt.Errorf("form: %w", err)
		}
		return nil, handler.Problem{
			Status: http.StatusBadRequest, Code: "form", Title: "The form could not be read",
			Detail: "The browser sent something that is not a form. Go back, reload the page and try again.",
		}.Because(err)
	}
	return r.PostForm, nil
}

// fault finds out which field an error is about. It returns false for errors that no form can show.
func fault(err error) (views.Problem, bool) {
	var invalid *tenants.InvalidError
	var limit *tenants.LimitError
	switch {
	case errors.As(err, &invalid):
		return views.Problem{Field: invalid.Field, Text: invalid.Detail}, true
	case errors.As(err, &limit):
		return views.Problem{Text: capital(limit.Error()) + ". Delete some first."}, true
	}
	return views.Problem{}, false
}

// typedForm is what was typed into a form, and what is wrong with it.
type typedForm struct {
	url.Values
	problems []views.Problem
}

// status is that of the page that shows the form.
func (f typedForm) status() int {
	if len(f.problems) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// blame writes the problems beside their fields, completes the sentences for the summary above the form, and puts the
// cursor into the first field that is wrong.
func blame(problems []views.Problem, fields ...*views.Field) []views.Problem {
	focused := false
	for _, f := range fields {
		for i, p := range problems {
			if f.ID != p.Field {
				continue
			}
			f.Error = capital(p.Text) + "."
			problems[i].Text = f.Label + ": " + p.Text + "."
		}
		f.Focus = (f.Error != "" || f.Focus && len(problems) == 0) && !focused
		focused = focused || f.Focus
	}
	return problems
}
