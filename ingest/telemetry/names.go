package telemetry

// linearNames is how many names a search one by one still beats a map: a handful of metrics is the common device.
const linearNames = 12

// names numbers the distinct value names of a request in the order of their first use. Packets of one device look alike,
// so the name at a position is most often the one that stood there in the packet before: that guess is tried first.
type names struct {
	list  []string
	index map[string]int // made when list outgrows linearNames
	order []int          // numbers of the latest packet's names, by position
}

// reset forgets all names and keeps the room for as many.
func (n *names) reset() { n.list, n.index, n.order = n.list[:0], nil, n.order[:0] }

// find returns the number of a name that stands at this position of its packet, or -1 for a new one.
func (n *names) find(name string, position int) int {
	if position < len(n.order) && n.list[n.order[position]] == name {
		return n.order[position]
	}
	return n.search(name)
}

func (n *names) search(name string) int {
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return i
		}
		return -1
	}
	for i, known := range n.list {
		if known == name {
			return i
		}
	}
	return -1
}

// add numbers a name that find did not know.
func (n *names) add(name string) int {
	i := len(n.list)
	n.list = append(n.list, name)
	if n.index != nil {
		n.index[name] = i
	} else if len(n.list) > linearNames {
		n.index = make(map[string]int, 4*linearNames)
		for j, known := range n.list {
			n.index[known] = j
		}
	}
	return i
}

// place remembers which name stood at a position, for the packet that follows. Positions are filled from 0 upwards.
func (n *names) place(position, number int) {
	if position < len(n.order) {
		n.order[position] = number
	} else {
		n.order = append(n.order, number)
	}
}

// note is add, where number says that find did not know the name, and place.
func (n *names) note(position, number int, name string) {
	if number < 0 {
		number = n.add(name)
	}
	n.place(position, number)
}
