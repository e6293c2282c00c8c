package tenants

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

const (
	// snapshotFile is the name of the snapshot in its directory. There is one, replaced as a whole.
	snapshotFile = "control.snapshot"

	// snapshotMagic begins a snapshot. Its number rises when what is in a State, or how it is written, changes its
	// meaning: a program reads only its own, and the log is always there.
	snapshotMagic = "longwave control snapshot 11\n"

	// snapshotBytes bounds what is read into memory: some four million devices.
	snapshotBytes = 1 << 30

	// snapshotPart is how many devices are encoded at once.
	snapshotPart = 1000
)

// errSnapshot says that a snapshot cannot be used.
var errSnapshot = errors.New("the snapshot cannot be used")

// The parts of a snapshot: one savedHead, then savedParts until every device was there.
type (
	savedHead struct {
		Position     uint64
		Head, Before []byte
		Operators    int
		Devices      int
		Subjects     []savedSubject
		Tenants      []savedTenant
		Accounts     []savedAccount
		People       savedPeople
		Trusts       savedProofs
		Keys         []savedKey
		OperatorKeys []savedOperatorKey
		Metrics      []savedMetric
		Erasing      []Erasing
		Destinations []savedDestination
		Rules        []savedRules
		Alerts       []savedAlerts
		Dashboards   []byte
		Walls        []savedWall
		Support      []Support
		Endings      []Ending
	}
	savedSubject struct {
		Subject  string
		Position uint64
	}
	savedTenant struct {
		Tenant                 Tenant
		Devices, Keys, Metrics int // owners are counted anew
	}
	savedAccount struct {
		Person Person
		Hash   string
	}
	savedKey struct {
		Key Key
		Sum []byte
	}
	savedOperatorKey struct {
		Key OperatorKey
		Sum []byte
	}
	savedMetric struct {
		Key    string
		Metric Metric
	}
	savedDestination struct {
		Destination          Destination
		Secret, Old, Address seal.Sealed
		OldUntil             time.Time
	}
	savedRules struct {
		Tenant id.Tenant
		List   []Rule // in their order
	}
	savedDevice struct {
		ID       id.Device
		Tenant   id.Tenant
		Name     string
		Labels   map[string]string
		Created  time.Time
		Interval time.Duration
		Site     string
		Profile  string
		Disabled bool
		Demo     bool
		Tokens   []savedToken
	}
	savedToken struct {
		ID      string
		Created time.Time
		Expires time.Time
		Sum     []byte
	}
)

// writeSnapshot puts a state into its file, so that there is always a whole one: the old or the new.
func writeSnapshot(dir string, s *State) (err error) {
	path := filepath.Join(dir, snapshotFile)
	// One name for the unfinished one, so that a killed process leaves no more than that. There are password hashes in it.
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write snapshot: %w", errors.Join(err, file.Close(), os.Remove(file.Name())))
		}
	}()
	if err := encodeSnapshot(file, s); err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// encodeSnapshot writes the magic, the parts, and the SHA-256 of both.
func encodeSnapshot(to io.Writer, s *State) error {
	sum := sha256.New()
	buffer := bufio.NewWriterSize(io.MultiWriter(to, sum), 1<<16)
	if _, err := buffer.WriteString(snapshotMagic); err != nil {
		return err
	}
	encoder := gob.NewEncoder(buffer)
	head := s.savedHead()
	var err error
	if head.Dashboards, err = s.savedDashboards(); err != nil {
		return err
	}
	if err := encoder.Encode(head); err != nil {
		return err
	}
	if err := s.saveDevices(encoder); err != nil {
		return err
	}
	if err := buffer.Flush(); err != nil {
		return err
	}
	_, err = to.Write(sum.Sum(nil))
	return err
}

func (s *State) savedHead() savedHead {
	h := savedHead{Position: s.seq, Head: s.head[:], Before: s.before[:], Operators: s.operators, Devices: s.devices.Len(), Erasing: s.Erasing(), Support: s.support.Values(), Endings: s.Endings()}
	s.subjects.Scan(func(subject string, position uint64) bool {
		h.Subjects = append(h.Subjects, savedSubject{subject, position})
		return true
	})
	s.tenants.Scan(func(_ string, t *tenant) bool {
		h.Tenants = append(h.Tenants, savedTenant{t.Tenant, t.devices, t.keys, t.metrics})
		return true
	})
	s.accounts.Scan(func(_ string, a *account) bool {
		h.Accounts = append(h.Accounts, savedAccount{a.Person, a.hash})
		return true
	})
	h.People = s.people.saved()
	h.Trusts = s.proofs.saved()
	s.keys.Scan(func(_ string, k *apiKey) bool {
		h.Keys = append(h.Keys, savedKey{k.Key, k.sum[:]})
		return true
	})
	s.opKeys.Scan(func(_ string, k *operatorKey) bool {
		h.OperatorKeys = append(h.OperatorKeys, savedOperatorKey{k.OperatorKey, k.sum[:]})
		return true
	})
	s.metrics.Scan(func(key string, m Metric) bool {
		h.Metrics = append(h.Metrics, savedMetric{key, m})
		return true
	})
	s.destinations.Scan(func(_ string, d *Destination) bool {
		h.Destinations = append(h.Destinations, savedDestination{*d, d.secret, d.replaced, d.address, d.oldUntil})
		return true
	})
	s.rules.Scan(func(t string, r *ruleBook) bool {
		h.Rules = append(h.Rules, savedRules{id.Tenant(t), r.values()})
		return true
	})
	h.Alerts = s.savedAlerts()
	h.Walls = s.walls.saved()
	return h
}

func (s *State) saveDevices(encoder *gob.Encoder) (err error) {
	part := make([]savedDevice, 0, snapshotPart)
	s.devices.Scan(func(_ string, d *device) bool {
		if part = append(part, d.saved()); len(part) == snapshotPart {
			err = encoder.Encode(part)
			part = part[:0]
		}
		return err == nil
	})
	if err == nil && len(part) > 0 {
		err = encoder.Encode(part)
	}
	return err
}

func (d *device) saved() savedDevice {
	out := savedDevice{
		ID: d.ID, Tenant: d.Tenant, Name: d.Name, Labels: d.Labels, Created: d.Created, Interval: d.Interval,
		Site: d.Site, Profile: d.Profile, Disabled: d.Disabled, Demo: d.Demo, Tokens: make([]savedToken, len(d.Tokens)),
	}
	for i, t := range d.Tokens {
		out.Tokens[i] = savedToken{ID: t.ID, Created: t.Created, Expires: t.Expires, Sum: t.sum[:]}
	}
	return out
}

// readSnapshot returns the state in the directory's snapshot. It returns errSnapshot for one that is damaged or of
// another version, and fs.ErrNotExist when there is none.
func readSnapshot(dir string) (*State, error) {
	path := filepath.Join(dir, snapshotFile)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > snapshotBytes {
		return nil, fmt.Errorf("%w: it has %d bytes", errSnapshot, info.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := decodeSnapshot(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSnapshot, err)
	}
	return s, nil
}

func decodeSnapshot(data []byte) (*State, error) {
	body, ok := bytes.CutPrefix(data, []byte(snapshotMagic))
	if !ok || len(body) < sha256.Size {
		return nil, errors.New("it is of another version of the program, or cut off")
	}
	end := len(data) - sha256.Size
	if sha256.Sum256(data[:end]) != digest(data[end:]) {
		return nil, errors.New("its checksum is wrong")
	}
	decoder := gob.NewDecoder(bytes.NewReader(body[:len(body)-sha256.Size]))
	var head savedHead
	if err := decoder.Decode(&head); err != nil {
		return nil, err
	}
	s, err := head.state()
	for err == nil && s.devices.Len() < head.Devices {
		var part []savedDevice
		if err = decoder.Decode(&part); err == nil {
			err = s.restore(part)
		}
	}
	return s, err
}

func (h *savedHead) state() (*State, error) {
	s := &State{seq: h.Position, operators: h.Operators}
	var err, err2 error
	s.head, err = parseDigest(h.Head)
	s.before, err2 = parseDigest(h.Before)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	for _, v := range h.Subjects {
		s.subjects.Set(v.Subject, v.Position)
	}
	for _, v := range h.Tenants {
		s.tenants.Set(string(v.Tenant.ID), &tenant{Tenant: v.Tenant, devices: v.Devices, keys: v.Keys, metrics: v.Metrics})
	}
	for _, v := range h.Accounts {
		s.putAccount(&account{v.Person, v.Hash})
	}
	if err := s.restorePeople(h.People); err != nil {
		return nil, err
	}
	s.proofs.restore(h.Trusts)
	for _, v := range h.Keys {
		if err := s.putKey(v.Key, v.Sum); err != nil {
			return nil, err
		}
	}
	for _, v := range h.OperatorKeys {
		if err := s.putOperatorKey(v.Key, v.Sum); err != nil {
			return nil, err
		}
	}
	for _, v := range h.Metrics {
		s.metrics.Set(v.Key, v.Metric)
	}
	for _, v := range h.Rules {
		s.rules.Set(string(v.Tenant), newRuleBook(v.List))
	}
	s.restoreAlerts(h.Alerts)
	for _, v := range h.Walls {
		if err := s.walls.put(v.Wall, v.Sum); err != nil {
			return nil, err
		}
	}
	for _, v := range h.Destinations {
		d := v.Destination
		d.secret, d.replaced, d.address, d.oldUntil = v.Secret, v.Old, v.Address, v.OldUntil
		if err := s.putDestination(nil, &d); err != nil {
			return nil, err
		}
	}
	for _, v := range h.Support {
		s.support.Set(key2(v.Tenant, v.Person), v)
	}
	for _, v := range h.Endings {
		s.endings.Set(string(v.Tenant), v)
	}
	for _, v := range h.Erasing {
		s.erasing.Set(key2(v.Tenant, v.Device), v)
	}
	return s, s.restoreDashboards(h.Dashboards)
}

func (s *State) restore(part []savedDevice) error {
	for _, v := range part {
		d := &device{Device: Device{
			ID: v.ID, Tenant: v.Tenant, Name: v.Name, Labels: v.Labels, Created: v.Created, Interval: v.Interval,
			Site: v.Site, Profile: v.Profile, Disabled: v.Disabled, Demo: v.Demo, Tokens: make([]Token, len(v.Tokens)),
		}}
		for i, t := range v.Tokens {
			sum, err := parseDigest(t.Sum)
			if err != nil {
				return err
			}
			d.Tokens[i] = Token{ID: t.ID, Created: t.Created, Expires: t.Expires, index: indexOf(t.ID), sum: sum}
		}
		if err := s.putDevice(nil, d); err != nil {
			return err
		}
	}
	return nil
}
