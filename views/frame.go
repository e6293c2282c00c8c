package views

// Frame is what every page has around its content.
type Frame struct {
	Title   string // of the document; the page's own heading stands in its content
	Assets  Assets
	Version string
	Tenant  *Tenant
	Tenants []Link // the person's other tenants
	Account *Account
	Nav     []Link
	Flash   []Flash
	Demo    *Demo
	Past    string // what the thing on the page was once; empty where nothing leads to that
	Guest   string // why somebody who is no member sees this; empty for members
	// Freshness is when what counts as late or silent, for the scripts.
	Freshness string
	Open      string // how many alerts of the tenant are open; empty for none
	Place     string // of the latest change of its alerts that the page may show
}

// Assets are the addresses of the bundle's files.
type Assets struct{ CSS, Theme, App, Favicon, Logo string }

// Tenant is the tenant that the page belongs to.
type Tenant struct{ ID, Name string }

// Account is the person who is signed in.
type Account struct{ Name, Email, Role string }

// Link is an address with its text.
type Link struct {
	Label, Href string
	Current     bool
	Count       string // shown small behind the label; may be empty
	Key         string // what scripts call it; may be empty
}

// Flash tells once what the last step did.
type Flash struct {
	Failed bool
	Text   string
	Undo   string // what is posted to in order to take it back; empty when it cannot be
}

// Demo says that invented data is among the real.
type Demo struct{ Text, RemoveAction string }

// Time is an instant as pages show it.
type Time struct {
	ID       string // of the element; may be empty
	Millis   string // since 1970, "0" for never; empty when it is not known
	ISO      string
	Text     string // "12 s ago"
	Exact    string // with zone
	Interval string // expected seconds between packets, "0" unknown
}

// State is a word and the key of its shape and colour: live, late, silent, never, disabled or unknown.
// Of is the id of the time element that the live scripts derive it from; empty when it does not follow any.
type State struct{ Key, Word, Of string }

// Problem is one thing that is wrong with a form. Field is the id of the input at fault, empty for the form as a whole.
type Problem struct{ Field, Text string }

// Field is one input of a form.
type Field struct {
	ID, Label, Type, Value, Help, Error string
	Autocomplete, Placeholder, Mode     string
	Optional, Focus                     bool
	MaxLength                           string
}

// Option is one choice of a select.
type Option struct {
	Value, Label string
	Selected     bool
}

// Pick is a menu within a sentence.
type Pick struct {
	ID, Name, Label string
	Options         []Option
}

// describedBy names the texts that belong to the input, for a screen reader.
func (f Field) describedBy() string {
	switch {
	case f.Error != "" && f.Help != "":
		return f.ID + "-error " + f.ID + "-help"
	case f.Error != "":
		return f.ID + "-error"
	case f.Help != "":
		return f.ID + "-help"
	}
	return ""
}

func (f Field) class() string {
	if f.Error != "" {
		return "form-control is-invalid"
	}
	return "form-control"
}

func (f Frame) documentTitle() string {
	if f.Tenant == nil {
		return f.Title + " · Longwave"
	}
	title := f.Title + " · " + f.Tenant.Name + " · Longwave"
	if f.Open != "" {
		return "(" + f.Open + ") " + title
	}
	return title
}
