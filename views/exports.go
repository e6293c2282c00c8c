package views

// Exports is the page on which readings are taken away.
type Exports struct {
	Frame    Frame
	Action   string
	Problems []Problem
	Devices  []Option // those that are named, all chosen; empty for every device that the rest selects
	AllHref  string   // the page without named devices
	Sites    []Option
	Profiles []Option
	Labels   Field
	Metrics  Field
	Names    []string // of metrics, to choose from
	Ranges   []Option
	From, To Field
	Steps    []Option
	Formats  []Option
	Found    *ExportFound // nil while something is wrong with the form
}

// ExportFound is what would be taken.
type ExportFound struct {
	Devices string // "12 devices"
	Rows    string // "about 1,500,000 rows of 48 series"; empty when not known
	Size    string // "about 135 MB"; empty when not known
	Range   string
	Warning string
	Nothing bool // no reading fits
	Columns []string
	Sample  [][]string
	// FileHref is the file, of a range that does not move. Resumable says that it goes on where it broke off.
	FileHref, FileName, RowsAbout, Bytes string
	Resumable                            bool
}
