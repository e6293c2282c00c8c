package reach

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/wneessen/go-mail"
)

// ErrSMTP is returned by ParseSMTP for an address that is none of a mail server.
var ErrSMTP = errors.New("want smtp://user:password@host:587 (STARTTLS), smtps://…:465 (TLS) or smtp+plain://host:25 (neither)")

const (
	portSubmission = 587
	portTLS        = 465
	portPlain      = 25

	// maxTitle keeps a subject on one line of a mail program.
	maxTitle = 200
)

// SMTP is the mail server of the operator. Make it with ParseSMTP.
type SMTP struct {
	host           string
	from           *netmail.Address
	user, password string
	options        []mail.Option
}

// String leaves the password out.
func (s *SMTP) String() string { return s.host }

// GoString leaves the password out.
func (s *SMTP) GoString() string { return s.host }

// ParseSMTP reads the address of a mail server and the one that mail comes from. It returns ErrSMTP, which never repeats
// what was given, since there may be a password in it.
func ParseSMTP(address, from string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil, ErrSMTP
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("the sender: %w", err)
	}
	s := &SMTP{host: u.Hostname(), from: sender}
	var port int
	switch u.Scheme {
	case "smtp":
		port, s.options = portSubmission, []mail.Option{mail.WithTLSPolicy(mail.TLSMandatory)}
	case "smtps":
		port, s.options = portTLS, []mail.Option{mail.WithSSL()}
	case "smtp+plain":
		port, s.options = portPlain, []mail.Option{mail.WithTLSPolicy(mail.NoTLS)}
	default:
		return nil, ErrSMTP
	}
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, ErrSMTP
		}
	}
	s.options = append(s.options, mail.WithPort(port), mail.WithTimeout(Timeout))
	if u.User != nil {
		s.user = u.User.Username()
		s.password, _ = u.User.Password()
		s.options = append(s.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.user), mail.WithPassword(s.password))
	}
	return s, nil
}

func (r *Reacher) email(ctx context.Context, to Target, m Message) (Answer, error) {
	if r.mail == nil {
		return Answer{}, &Error{Cause: "mail_not_set_up", Err: errors.New("the operator of this installation has set up no mail server (--smtp-url)")}
	}
	message, err := r.mail.compose(to.To, m)
	if err != nil {
		return Answer{}, &Error{Cause: "message_unusable", Final: true, Err: err}
	}
	client, err := mail.NewClient(r.mail.host, r.mail.options...)
	if err != nil {
		return Answer{}, &Error{Cause: "mail_not_set_up", Err: err}
	}
	err = client.DialAndSendWithContext(ctx, message)
	if err == nil {
		return Answer{Status: 250, Body: fmt.Sprintf("%s took the mail for %s.", r.mail.host, strings.Join(to.To, ", "))}, nil
	}
	var refused *mail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() > 0 {
		code := refused.ErrorCode()
		return Answer{Status: code, Body: refused.Error()}, &Error{Cause: fmt.Sprintf("mail_%d", code), Final: code >= 500, Err: err}
	}
	return Answer{}, &Error{Cause: "mail_" + causeOf(err), Err: err}
}

// compose writes the mail. It has one part, so nothing in the text can begin another.
func (s *SMTP) compose(to []string, m Message) (*mail.Msg, error) {
	message := mail.NewMsg(mail.WithNoDefaultUserAgent())
	message.FromMailAddress(s.from)
	for _, text := range to {
		address, err := netmail.ParseAddress(text)
		if err != nil {
			return nil, fmt.Errorf("recipient: %w", err)
		}
		message.AddToMailAddress(address)
	}
	message.Subject(oneLine(m.Title))
	message.SetDateWithValue(m.At)
	_, domain, _ := strings.Cut(s.from.Address, "@")
	message.SetMessageIDWithValue(oneLine(m.ID) + "@" + domain) // the same in every attempt: mail programs drop repetitions
	message.SetGenHeader("Auto-Submitted", "auto-generated")    // nobody's holiday notice answers to it
	message.SetBodyString(mail.TypeTextPlain, m.Text)
	return message, nil
}

// oneLine takes out what could begin another header.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) > maxTitle {
		text = strings.ToValidUTF8(text[:maxTitle], "") + "…"
	}
	return text
}
