package rule

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// Clause is one condition of a sentence: "temp is above 80", "the site is within plant-2". Of is a reference as it stands in an
// expression: the name of a value, device.id, device.profile, device.site, device.labels.NAME or packet.kind.
type Clause struct {
	Of   string // "" for one that menus cannot say; then Text is the expression
	Is   string // one of Operators
	Text string // what it is compared with; numbers, true and false stand for themselves
}

// Operators are what a clause may say, in the order of its menu. "exists" has no text.
func Operators() []string {
	return []string{"above", "at least", "below", "at most", "equal to", "not equal to", "containing", "within", "present"}
}

var symbols = map[string]string{
	"above": ">", "at least": ">=", "below": "<", "at most": "<=", "equal to": "==", "not equal to": "!=", "containing": "contains",
}

// word is a name that may stand in an expression as it is.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// reserved words mean something else in an expression.
var reserved = []string{"and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith", "let", "if", "else", "true", "false", "nil",
	deviceRoot, packetRoot, valuesRoot}

// Spell is the name of a value as an expression refers to it.
func Spell(name string) string {
	for i, piece := range strings.Split(name, ".") {
		if !word.MatchString(piece) || slices.Contains(reserved, piece) && (i == 0 || piece != deviceRoot) {
			return valuesRoot + "[" + strconv.Quote(name) + "]"
		}
	}
	return name
}

// Label is a label of the device as an expression refers to it.
func Label(name string) string { return spell([]string{deviceRoot, "labels", name}) }

// Expression says what the clauses say, joined by "and".
func Expression(clauses []Clause) string {
	var pieces []string
	for _, c := range clauses {
		if piece := c.expression(); piece != "" {
			pieces = append(pieces, piece)
		}
	}
	return strings.Join(pieces, " and ")
}

func (c Clause) expression() string {
	switch {
	case c.Of == "" && strings.TrimSpace(c.Text) == "":
		return ""
	case c.Of == "" && needsBrackets(c.Text):
		return "(" + c.Text + ")"
	case c.Of == "":
		return c.Text
	case c.Is == "present":
		return "has(" + c.Of + ")"
	case c.Is == "within":
		return "within(" + c.Of + ", " + strconv.Quote(c.Text) + ")"
	default:
		return c.Of + " " + symbols[c.Is] + " " + c.literal()
	}
}

// literal writes a number, true or false as such where a value of the packet is compared, and text everywhere else.
func (c Clause) literal() string {
	plainly := c.Text == "true" || c.Text == "false" || numeral.MatchString(c.Text)
	if plainly && !strings.HasPrefix(c.Of, deviceRoot+".") && !strings.HasPrefix(c.Of, packetRoot+".") && c.Is != "containing" {
		return c.Text
	}
	return strconv.Quote(c.Text)
}

// numeral is a number in the one way that the parser writes it again.
var numeral = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,14})(\.[0-9]{0,14}[1-9])?$`)

// needsBrackets says that a text would fall apart beside "and".
func needsBrackets(text string) bool {
	tree, err := parser.Parse(text)
	if err != nil {
		return false
	}
	b, ok := tree.Node.(*ast.BinaryNode)
	return ok && (b.Operator == "or" || b.Operator == "||" || b.Operator == "??") || !ok && isConditional(tree.Node)
}

func isConditional(n ast.Node) bool { _, ok := n.(*ast.ConditionalNode); return ok }

// Sentence is the clauses of an expression. What menus cannot say becomes one clause without Of at the end, so that
// nothing is lost: Expression of the result means the same. It returns an *InvalidError for an expression that Check would
// refuse.
func Sentence(when string) ([]Clause, error) {
	conjuncts, err := compile(strings.TrimSpace(when), newNames())
	if err != nil {
		return nil, err
	}
	var clauses []Clause
	var rest []string
	for _, c := range conjuncts {
		if clause, ok := clauseOf(c); ok {
			clauses = append(clauses, clause)
		} else if text := c.node.String(); len(conjuncts) > 1 && needsBrackets(text) {
			rest = append(rest, "("+text+")")
		} else {
			rest = append(rest, text)
		}
	}
	if len(rest) > 0 {
		clauses = append(clauses, Clause{Text: strings.Join(rest, " and ")})
	}
	return clauses, nil
}

// clauseOf is what menus say for a conjunct, if saying it gives the same conjunct again.
func clauseOf(c conjunct) (clause Clause, ok bool) {
	if len(c.uses) != 1 {
		return clause, false
	}
	clause.Of = c.uses[0].text
	switch n := c.node.(type) {
	case *ast.CallNode:
		if clause.Is = "present"; len(n.Arguments) == 2 {
			clause.Is, clause.Text = "within", strings.Join(texts(n.Arguments[1:]), "")
		}
	case *ast.BinaryNode:
		for is, symbol := range symbols {
			if symbol == n.Operator {
				clause.Is = is
			}
		}
		clause.Text = contentOf(n.Right)
	}
	again, err := parser.Parse(clause.expression())
	return clause, clause.Is != "" && err == nil && again.Node.String() == c.node.String()
}

func contentOf(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.String()
}
