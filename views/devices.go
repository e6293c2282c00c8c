package views

// Devices is the list of a tenant's devices.
type Devices struct {
	Frame
	Action       string // of the filter, and the address without any filter
	RegisterHref string
	ExportHref   string // of the list
	ReadingsHref string // of what the devices sent
	BulkAction   string
	DeleteHref   string
	DemoAction   string // empty when there is no demo data to start
	Count        string // "412 devices"
	Shown        string // "1–50 of 412"
	Query        string
	Sort         string
	States       []Option
	Columns      []Column
	Rows         []DeviceRow
	First, Next  string // addresses of other pages; empty when there is none
	Warning      string // the storage does not answer, say
	Empty        bool   // there is no device at all
	CanEdit      bool
	CanDelete    bool
}

// Column is a heading that sorts.
type Column struct {
	Label, Href string
	Sorted      string // "ascending", "descending" or ""
	Class       string
}

// DeviceRow is one device of the list.
type DeviceRow struct {
	ID, Name, Href string
	State          State
	Seen           Time
	Interval       string
	Seconds        string // the interval in seconds for the scripts
	Labels         []Label
	Created        string
	Disabled       bool
}

// Register is the form for a new device.
type Register struct {
	Frame
	Action, Cancel string
	Problems       []Problem
	Name           Field
	Interval       Field
	Site           Field
	Profile        Field
	Labels         Field
}

// Delete is the page that says what will be gone.
type Delete struct {
	Frame
	Heading   string
	Action    string
	Cancel    string
	Devices   []DeleteItem
	Lines     []string
	Problems  []Problem
	Confirm   string // what must be typed
	ConfirmAs Field
	Submit    string
}

// DeleteItem is one device that will be gone.
type DeleteItem struct{ ID, Name, Data string }

// Label is one label of a device, and the list of all devices that carry it.
type Label struct{ Text, Href string }
