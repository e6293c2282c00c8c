package unusual

import "math"

// Rates of forgetting: the weight that a new reading has once enough were seen, by the number of readings after which half of the past
// is forgotten. Until then an average is the plain mean.
const (
	rateRecent = 0.08299595679532876   // 8: an hour or so of what is sent every few minutes
	rateHour   = 0.014336456383214756  // 48 in the same hour of the day or week: some days
	rateLong   = 0.0006929070095464955 // 1000: what is usual at all
	rateSize   = 0.00025               // of the size of a signal, which only keeps its logarithm finite
)

// average is a mean that forgets.
type average struct {
	value float64
	n     uint16 // readings so far, as long as that matters
}

func (a *average) add(x, rate float64) {
	if a.n < math.MaxUint16 {
		a.n++
	}
	a.value += max(rate, 1/float64(a.n)) * (x - a.value)
}

const (
	// stretch is how many readings share one peak: enough that peaks of neighbouring stretches have little to do with each
	// other, few enough that several are known early.
	stretch = 60
	// remembered is how many stretches the usual height of peaks is taken from.
	remembered = 64
	// enough is how many stretches must be known before anything can surprise.
	enough = 3
	// usualSpread is how much the logarithms of peaks differ before that is known, and doubt how many stretches it takes to know better.
	usualSpread = 0.3
	doubt       = 3
	// floor is the part of its usual size below which a signal is as good as nothing.
	floor = 0.05
)

// peaks knows how high a signal goes within a stretch of readings. It works on logarithms: for one signal a peak is 2 % above
// the usual one, for another ten times as high, and both may be rare.
type peaks struct {
	size     average // of the signal
	highest  float64 // logarithm, in the stretch that is going on
	seen     uint8   // readings of that stretch
	known    uint8   // stretches, up to remembered
	mean     float64 // of the logarithms of past peaks
	variance float64
}

// add takes the next value of the signal and returns how many usual deviations it is above the usual peak.
func (p *peaks) add(signal float64) (surprise float64) {
	height := math.Log(signal + p.least())
	if p.known >= enough {
		surprise = (height - p.mean) / p.spread()
	}
	p.size.add(signal, rateSize)
	if p.seen == 0 || height > p.highest {
		p.highest = height
	}
	if p.seen++; p.seen == stretch {
		p.end()
	}
	return surprise
}

// end learns the peak of the stretch that is over.
func (p *peaks) end() {
	p.seen = 0
	p.known = min(p.known+1, remembered)
	if p.known == 1 {
		p.mean = p.highest
		return
	}
	off := p.highest - p.mean
	p.mean += off / float64(p.known)
	p.variance += (off*(p.highest-p.mean) - p.variance) / float64(p.known)
}

func (p *peaks) spread() float64 {
	known := float64(p.known)
	return math.Sqrt((p.variance*known + usualSpread*usualSpread*doubt) / (known + doubt))
}

// least keeps the logarithm of nothing finite.
func (p *peaks) least() float64 {
	if p.size.value > 0 {
		return floor * p.size.value
	}
	return 1e-9
}

// reach is the height of the signal that surprises by as much.
func (p *peaks) reach(surprise float64) float64 {
	return max(0, math.Exp(p.mean+surprise*p.spread())-p.least())
}
