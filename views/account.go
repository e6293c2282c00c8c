package views

// FirstRun is the page on which a fresh installation gets its operator and first tenant.
type FirstRun struct {
	Frame
	Action   string
	Token    string
	Problems []Problem
	Email    Field
	Name     Field
	Password Field
	Company  Field
}

// SignIn is the page on which a person signs in.
type SignIn struct {
	Frame
	Next     string // a checked local path
	Problems []Problem
	Email    Field
	Password Field
	// Providers are the identity providers of the platform.
	Providers []Link
	Again     bool // the person is signed in and shows once more who they are
}

// Message is a page that says one thing: what happened, why, and what to do next.
type Message struct {
	Frame
	Heading   string
	Lines     []string
	Commands  []string
	Links     []Link
	RequestID string
	Inside    bool // show the frame of a signed-in person
}
