package tenants

import "iter"

// DemoDevices walks the demo devices of all tenants, for the part of the program that feeds them. It looks at every
// device: do it when Position has moved, not every time.
func (s *State) DemoDevices() iter.Seq[Device] {
	return func(yield func(Device) bool) {
		s.devices.Scan(func(_ string, d *device) bool { return !d.Demo || yield(d.Device) })
	}
}
