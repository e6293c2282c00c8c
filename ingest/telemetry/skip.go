package telemetry

// skip walks over one value of whatever shape, checks its syntax and tells how deep it is nested. It keeps its own stack,
// one byte for a level, so that a body of brackets costs no more memory than itself.
func (s *scanner) skip() (deepest int, ok bool) {
	var open []byte
	for {
		if c := s.peek(); c == '{' || c == '[' {
			s.pos++
			open = append(open, c)
			deepest = max(deepest, len(open))
			if s.peek() != closing(c) {
				if c == '{' && !s.skipName() {
					return deepest, false
				}
				continue
			}
			s.pos++
			open = open[:len(open)-1]
		} else if !s.skipScalar() {
			return deepest, false
		}
		for another := false; !another; {
			if len(open) == 0 {
				return deepest, true
			}
			top := open[len(open)-1]
			if another, ok = s.more(closing(top)); !ok {
				return deepest, false
			}
			if !another {
				open = open[:len(open)-1]
			} else if top == '{' && !s.skipName() {
				return deepest, false
			}
		}
	}
}

func closing(opening byte) byte {
	if opening == '{' {
		return '}'
	}
	return ']'
}

func (s *scanner) skipName() bool {
	if s.peek() != '"' {
		return s.broken("expected the name of a member in quotes, found " + s.here())
	}
	return s.skipString() && s.want(':', "behind the name of a member")
}

// skipString passes over faults: what is skipped was refused already, or belongs to what was.
func (s *scanner) skipString() bool {
	_, ok := s.str()
	return ok || s.syntax == nil
}

func (s *scanner) skipScalar() bool {
	switch s.peek() {
	case '"':
		return s.skipString()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	if n := s.notFinite(); n > 0 {
		s.pos += n
		return true
	}
	_, _, ok := s.span()
	return ok
}
