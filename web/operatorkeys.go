package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

const (
	operatorKeysPath = "/system/keys"

	// operatorKeySlot is where the secret of a new key waits for the redirect.
	operatorKeySlot = "operator-key"
)

func (w *Web) listOperatorKeys(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderOperatorKeys(out, r, p, views.OperatorKeys{Name: operatorKeyName(""), Reaches: w.reaches(p, ""), Expires: operatorKeyLifetimes("")})
}

func operatorKeyName(value string) views.Field {
	return views.Field{ID: "name", Label: "Name", Type: "text", Value: value, MaxLength: "100", Autocomplete: "off", Help: "What will use it: billing, say."}
}

// reaches are those that an operator can give: not more than they have.
func (w *Web) reaches(p tenants.Principal, chosen string) []views.Option {
	words := map[tenants.Reach]string{
		tenants.ReachSee: "See tenants and what they use", tenants.ReachOversee: "Also rename, suspend and limit them", tenants.ReachOperate: "Also create and delete them",
	}
	var list []views.Option
	for _, reach := range tenants.Reaches() {
		if reach < tenants.ReachOperate || !p.Limited() {
			list = append(list, views.Option{Value: reach.String(), Label: words[reach], Selected: reach.String() == chosen})
		}
	}
	return list
}

// operatorKeyLifetimes are those of tenants' keys but for none: these reach further.
func operatorKeyLifetimes(chosen string) []views.Option {
	return slices.DeleteFunc(keyLifetimes(chosen), func(o views.Option) bool { return o.Value == "0" })
}

func (w *Web) renderOperatorKeys(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.OperatorKeys) error {
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(page.Problems, &page.Name)
	}
	page.Frame, page.Tabs, page.Action = w.frame(out, r, p, "Operators' keys"), w.adminTabs(r, p), operatorKeysPath
	page.Secret = w.handover.take(w.slot(r, operatorKeySlot))
	page.Example = "curl -sS '" + w.origin(r) + "/manage/v1/tenants' \\\n  -H 'Authorization: Bearer " + page.Secret + "'"
	page.Rows, page.Warning = w.operatorKeyRows(r.Context(), p)
	return w.render(out, r, status, views.OperatorKeysPage(page))
}

// operatorKeyRows lists one's own keys, and those of all operators for who operates the whole installation.
func (w *Web) operatorKeyRows(ctx context.Context, p tenants.Principal) (rows []views.OperatorKeyRow, warning string) {
	used, err := w.o.Tenants.OperatorKeysUsed(ctx)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without the use of operators' keys", "error", err)
		warning = "When keys were last used cannot be read just now."
	}
	st, now := w.o.Tenants.State(), w.o.Now()
	for _, k := range st.OperatorKeys() {
		if k.Person != p.Person() && p.Limited() {
			continue
		}
		owner, _ := st.Person(k.Person)
		row := views.OperatorKeyRow{
			Name: k.Name, Prefix: k.Prefix(), Owner: owner.Name, Reach: capital(k.Reach.String()), Expires: k.Expires.UTC().Format("2006-01-02 15:04"), Over: !now.Before(k.Expires),
			Used: viewTime(used[k.ID], now), Revoke: operatorKeysPath + "/" + string(k.ID) + "/revoke",
		}
		if err != nil {
			row.Used = views.Time{Text: "not known"}
		}
		rows = append(rows, row)
	}
	return rows, warning
}

func (w *Web) createOperatorKey(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	reach, err := tenants.ParseReach(form.Get("reach"))
	days, wrong := strconv.Atoi(form.Get("expires"))
	if wrong != nil || days == 0 || !slices.Contains(keyDays(), days) { // nothing that was not chosen lasts long
		days = chosenKeyDays
	}
	if err == nil {
		var secret string
		wanted := tenants.NewOperatorKey{Name: form.Get("name"), Reach: reach, Expires: w.o.Now().Add(time.Duration(days) * 24 * time.Hour)}
		if _, secret, err = w.o.Tenants.CreateOperatorKey(r.Context(), w.actor(r, p), wanted); err == nil {
			w.handover.put(w.slot(r, operatorKeySlot), secret)
			return see(out, r, operatorKeysPath)
		}
	}
	problem, ok := fault(err)
	if !ok {
		return err
	}
	return w.renderOperatorKeys(out, r, p, views.OperatorKeys{
		Name: operatorKeyName(form.Get("name")), Reaches: w.reaches(p, form.Get("reach")), Expires: operatorKeyLifetimes(form.Get("expires")), Problems: []views.Problem{problem}})
}

// operatorKey is the key that the address names; tenants.ErrNotFound for one that the operator does not see, too.
func (w *Web) operatorKey(r *http.Request, p tenants.Principal) (tenants.OperatorKey, error) {
	wanted, err := id.Parse[id.Key](chi.URLParam(r, "key"))
	if err != nil {
		return tenants.OperatorKey{}, tenants.ErrNotFound
	}
	for _, k := range w.o.Tenants.State().OperatorKeys() {
		if k.ID == wanted && (k.Person == p.Person() || !p.Limited()) {
			return k, nil
		}
	}
	return tenants.OperatorKey{}, tenants.ErrNotFound
}

func (w *Web) showRevokeOperatorKey(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	key, err := w.operatorKey(r, p)
	if err != nil {
		return err
	}
	page := views.Confirm{
		Frame: w.frame(out, r, p, "Revoke "+key.Name), Heading: "Revoke " + key.Name, Action: operatorKeysPath + "/" + string(key.ID) + "/revoke", Submit: "Revoke key",
		Cancel: operatorKeysPath, Back: "Operators' keys",
		Lines: []string{"Every request with this key is refused from that moment on. Revoking it cannot be undone; a new key can be made at any time."},
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(page))
}

func (w *Web) revokeOperatorKey(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	key, err := w.operatorKey(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.RevokeOperatorKey(r.Context(), w.actor(r, p), key.ID); err != nil {
		return err
	}
	w.done(out, r, "Key "+key.Name+" revoked. Requests with it are refused from now on.")
	return see(out, r, operatorKeysPath)
}
