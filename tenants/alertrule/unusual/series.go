package unusual

import (
	"math"

	"longwave/ingest/telemetry"
)

const (
	// noteworthy is the surprise that scores 0.5: two usual deviations above the usual peak, by one signal alone.
	noteworthy = 2
	// restsFor is how many readings the same is no news, and more how many times as surprising a reading must be to be news again.
	restsFor = 150
	more     = 2
	// calm is the part of the score with which it began below which a disturbance is over.
	calm = 0.5
	// huge bounds what is calculated with, so that no square is infinite.
	huge = 1e150
)

// Verdict is what a Series says about one reading.
type Verdict struct {
	Score float64 // how unusual it is, from 0 to 1; 0.5 and more is worth a look. About news only: see the package
	Held  float64 // the score of the news that goes on; 0 while there is none
	// Expected is what the reading should have been, and Low to High where it would have surprised nobody. Known is false while
	// that is not known.
	Expected, Low, High float64
	Known               bool
}

// The ways of looking at a reading.
const (
	signalLevel      = iota // distance from the long run
	signalResidual          // distance from what is expected
	signalRecent            // distance of the recent level from the long run
	signalDrift             // mean of recent distances from what was expected, with their signs
	signalRestless          // how much more it moves than usual
	signalStill             // how much less, as a ratio
	signalOutOfRange        // beyond everything ever seen
	signalJump              // change of the distance from what is expected
	signals
)

// stillest bounds signalStill, which has no bound of its own when a series stops moving.
const stillest = 50

// Series knows one series of readings. The zero Series has seen nothing.
type Series struct {
	count     uint8 // readings, as far as it matters whether there are any
	last      float64
	residual  float64 // of the last reading
	low, high float64 // ever seen
	long      average // level
	recent    average
	drift     average
	moves     average // recent size of steps
	usual     average // size of steps in the long run
	errors    [3]average
	day       [24]average
	week      [7 * 24]average
	peaks     [signals]peaks
	rest      uint8   // readings for which only more of it is news
	told      float64 // the surprise that was told
	held      float64
}

// Add takes the next reading and judges it. A value that is no finite number is passed over, with the zero Verdict.
func (s *Series) Add(at telemetry.Micros, value float64) Verdict {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Verdict{Held: s.held}
	}
	x := min(max(value, -huge), huge)
	if s.count == 0 {
		s.begin(x)
	}
	day, week := s.hour(at)
	expected := s.expect(x, day, week)
	v := s.band(expected)
	seen := s.look(x, x-expected)
	s.learn(x, day, week)
	v.Score = s.news(s.surprise(&seen))
	v.Held = s.held
	return v
}

func (s *Series) begin(x float64) {
	s.count = 1
	s.last, s.low, s.high = x, x, x
	s.long.add(x, rateLong)
	s.recent.add(x, rateRecent)
}

// hour finds what is known of the hour of the day and of the week, in UTC.
func (s *Series) hour(at telemetry.Micros) (day, week *average) {
	const hour = 3_600_000_000
	h := int64(at) / hour
	if int64(at)%hour < 0 {
		h--
	}
	return &s.day[(h%24+24)%24], &s.week[(h%168+168)%168]
}

// expect says what the next reading should be, by whatever was right most so far, and notes how right each was.
func (s *Series) expect(x float64, day, week *average) float64 {
	guesses := [3]float64{s.recent.value, s.recent.value, s.recent.value}
	if day.n > 0 {
		guesses[1] = day.value
	}
	if week.n > 0 {
		guesses[2] = week.value
	}
	best := 0
	for i := range guesses {
		if s.errors[i].value < s.errors[best].value {
			best = i
		}
	}
	for i := range guesses {
		s.errors[i].add(math.Abs(x-guesses[i]), rateLong)
	}
	return guesses[best]
}

// band is where a reading would not be of note by its distance from what is expected alone.
func (s *Series) band(expected float64) Verdict {
	p := &s.peaks[signalResidual]
	if p.known < enough {
		return Verdict{Expected: expected, Low: expected, High: expected}
	}
	reach := p.reach(noteworthy)
	return Verdict{Expected: expected, Low: expected - reach, High: expected + reach, Known: true}
}

// look answers every signal for a reading, and moves the averages that they are made of.
func (s *Series) look(x, residual float64) (seen [signals]float64) {
	step := math.Abs(x - s.last)
	s.recent.add(x, rateRecent)
	s.drift.add(residual, rateRecent)
	s.moves.add(step, rateRecent)
	seen[signalLevel] = math.Abs(x - s.long.value)
	seen[signalResidual] = math.Abs(residual)
	seen[signalRecent] = math.Abs(s.recent.value - s.long.value)
	seen[signalDrift] = math.Abs(s.drift.value)
	seen[signalRestless] = max(0, s.moves.value-s.usual.value)
	if s.moves.value > 0 {
		seen[signalStill] = min(max(0, s.usual.value/s.moves.value-1), stillest)
	}
	if s.high > s.low {
		seen[signalOutOfRange] = max(0, x-s.high, s.low-x)
	}
	seen[signalJump] = math.Abs(residual - s.residual)
	s.usual.add(step, rateLong)
	s.last, s.residual = x, residual
	return seen
}

// learn takes the reading into what is usual, after it was judged by what was usual before.
func (s *Series) learn(x float64, day, week *average) {
	s.low, s.high = min(s.low, x), max(s.high, x)
	s.long.add(x, rateLong)
	day.add(x, rateHour)
	week.add(x, rateHour)
}

// surprise is what the signals come to. A high one counts more than several low ones, yet these count.
func (s *Series) surprise(seen *[signals]float64) float64 {
	sum := 0.0
	for i := range seen {
		if one := s.peaks[i].add(seen[i]); one > 0 {
			sum += one * one * one
		}
	}
	return math.Cbrt(sum)
}

// news is the score of a surprise, or 0 when it was told already.
func (s *Series) news(surprise float64) float64 {
	score := score(surprise)
	if score < calm*s.held {
		s.held = 0
	}
	if s.rest > 0 {
		s.rest--
	}
	switch {
	case s.rest > 0 && surprise <= more*s.told:
		return 0
	case surprise > noteworthy:
		s.rest, s.told = restsFor, surprise
		s.held = max(s.held, score)
	}
	return score
}

// score maps a surprise to 0..1, so that a noteworthy one is in the middle.
func score(surprise float64) float64 {
	square := surprise * surprise
	return square / (square + noteworthy*noteworthy)
}
