package views

// CertificateRow is a client certificate of a device.
type CertificateRow struct{ Subject, Thumbprint, Expires, Remove string }

// Trust lists whom a tenant believes about its devices.
type Trust struct {
	Frame
	Tabs      []Link
	Action    string
	Warning   string
	Rows      []TrustRow
	Example   string
	Authority TrustForm
	Issuer    TrustForm
}

// TrustRow is a certificate authority or an issuer of tokens.
type TrustRow struct{ Name, Kind, Who, Names, Until, Remove string }

// TrustForm adds one of them.
type TrustForm struct {
	Kind     string
	Problems []Problem
	Fields   []Field // before the text
	Text     Field   // certificate or keys
	Names    []Field // where the device stands, when it is typed
	ByField  []Option
	By       []Option
}
