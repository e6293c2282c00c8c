package rule

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

// Bounds of a regular expression. Go's take time in proportion to text times program, never more; both are bounded, and
// what a match costs is booked against the packet.
const (
	maxPattern = 200 // bytes
	maxProgram = 200 // instructions
)

// How many bytes of text, or steps of a regular expression, are one unit of work.
const (
	bytesPerUnit = 32
	stepsPerUnit = 4
)

var orders = map[string]order{
	"<": {less: true}, "<=": {less: true, same: true}, ">": {more: true}, ">=": {more: true, same: true},
}

// mirrored is the operator that says the same with its sides exchanged.
var mirrored = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}

func (c *compiler) binary(n *ast.BinaryNode) part {
	switch n.Operator {
	case "in":
		return c.in(n)
	case "matches":
		return c.matches(n)
	}
	l, r := c.part(n.Left), c.part(n.Right)
	p := part{text: l.text + " " + n.Operator + " " + r.text, static: truth, slot: -1}
	switch n.Operator {
	case "and", "&&", "or", "||":
		c.demand(n.Left, l, truth)
		c.demand(n.Right, r, truth)
		p.text, p.eval = "("+p.text+")", and(l, r)
		if n.Operator == "or" || n.Operator == "||" {
			p.eval = or(l, r)
		}
	case "==", "!=":
		c.comparable(n, l, r)
		p.eval = equal(l.eval, r.eval, n.Operator == "!=")
	case "<", "<=", ">", ">=":
		c.comparable(n, l, r)
		p.eval = c.comparison(n, l, r)
	case "+", "-", "*", "/":
		c.demand(n.Left, l, number)
		c.demand(n.Right, r, number)
		p.static, p.text = number, "("+p.text+")"
		p.eval = both(number, l, r, arithmetic(n.Operator, p.text))
	case "??":
		p.static, p.eval = missing, otherwise(l, r)
	case "contains", "startsWith", "endsWith":
		c.demand(n.Left, l, text)
		c.demand(n.Right, r, text)
		p.eval = both(text, l, r, search(n.Operator))
	default:
		return c.refuse(n, "rules do not know %q", n.Operator)
	}
	return p
}

// comparable refuses to compare what is never of one kind.
func (c *compiler) comparable(n *ast.BinaryNode, l, r part) {
	if l.static != missing && r.static != missing && l.static != r.static {
		c.refuse(n, "%.60s is %s and %.60s is %s: they cannot be compared", l.text, l.static, r.text, r.static)
	}
	if n.Operator != "==" && n.Operator != "!=" && (l.static == truth || r.static == truth) {
		c.refuse(n, "true and false have no order")
	}
}

// comparison takes the short way where a value is compared with a number.
func (c *compiler) comparison(n *ast.BinaryNode, l, r part) term {
	slow := compare(l, r, orders[n.Operator])
	switch {
	case l.slot >= 0 && r.constant && r.static == number:
		return compareNumber(l.slot, r.value.num, orders[n.Operator], slow)
	case r.slot >= 0 && l.constant && l.static == number:
		return compareNumber(r.slot, l.value.num, orders[mirrored[n.Operator]], slow)
	}
	return slow
}

// otherwise is its second operand where the first one is missing.
func otherwise(l, r part) term {
	return func(f *frame) value {
		if v := l.eval(f); v.kind != missing {
			return v
		}
		return r.eval(f)
	}
}

func search(operator string) func(*frame, value, value) value {
	find := map[string]func(string, string) bool{
		"contains": strings.Contains, "startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix}[operator]
	return func(f *frame, a, b value) value {
		if !f.work((len(a.text) + len(b.text)) / bytesPerUnit) {
			return f.fail(Failure{code: tooMuchWork})
		}
		return truthOf(find(a.text, b.text))
	}
}

func length(f *frame, a value) value {
	if !f.work(len(a.text) / bytesPerUnit) {
		return f.fail(Failure{code: tooMuchWork})
	}
	return value{kind: number, num: float64(utf8.RuneCountInString(a.text))}
}

// in is membership in a list of constants.
func (c *compiler) in(n *ast.BinaryNode) part {
	l := c.part(n.Left)
	list, ok := n.Right.(*ast.ArrayNode)
	if !ok || len(list.Nodes) == 0 || len(list.Nodes) > maxList {
		return c.refuse(n.Right, "\"in\" wants a list of 1 to %d values, such as [\"on\", \"off\"]", maxList)
	}
	var values []value
	var texts []string
	for _, item := range list.Nodes {
		p := c.part(item)
		if !p.constant {
			return c.refuse(item, "a list holds numbers, texts, true and false; nothing that depends on the packet")
		}
		values, texts = append(values, p.value), append(texts, p.text)
	}
	p := part{text: l.text + " in [" + strings.Join(texts, ", ") + "]", static: truth, slot: -1}
	p.eval = func(f *frame) value {
		v := l.eval(f)
		if v.kind <= failed {
			return v
		}
		for i := range values {
			if values[i] == v {
				return truthOf(true)
			}
		}
		return truthOf(false)
	}
	return p
}

func (c *compiler) matches(n *ast.BinaryNode) part {
	l, r := c.part(n.Left), c.part(n.Right)
	c.demand(n.Left, l, text)
	if !r.constant || r.static != text || len(r.value.text) > maxPattern {
		return c.refuse(n.Right, "\"matches\" wants a regular expression of at most %d bytes, as text", maxPattern)
	}
	parsed, err := syntax.Parse(r.value.text, syntax.Perl)
	if err != nil {
		return c.refuse(n.Right, "the regular expression cannot be read: %.120s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return c.refuse(n.Right, "the regular expression is too large: use fewer and smaller repetitions")
	}
	pattern := regexp.MustCompile(r.value.text) // it was just parsed
	size := len(program.Inst)
	p := part{text: l.text + " matches " + r.text, static: truth, slot: -1}
	p.eval = both(text, l, r, func(f *frame, a, _ value) value {
		if !f.work(len(a.text) * size / stepsPerUnit) {
			return f.fail(Failure{code: tooMuchWork})
		}
		return truthOf(pattern.MatchString(a.text))
	})
	return p
}
