package main

import (
	"fmt"
	"path/filepath"

	"longwave/tenants/seal"
)

// openSecrets reads the master keys, and makes one in the data directory when the operator names no file.
func (p *platform) openSecrets(dir *dataDir) (*seal.Ring, error) {
	if p.MasterKeyFile != "" {
		ring, err := seal.Load(p.MasterKeyFile)
		if err != nil {
			return nil, fmt.Errorf("--master-key-file: %w", err)
		}
		return ring, nil
	}
	ring, err := seal.Ensure(dir.path)
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if p.NATSURL != "" { // the control log may be shared, and a key in the directory of one copy is not
		p.log.Warn("copies of the program that share this NATS need the same master key: name one file with --master-key-file",
			"file", filepath.Join(dir.path, seal.File), "key", ring.Current())
	}
	if ring.Fresh() {
		p.log.Warn("a master key was made: keep a copy of it elsewhere, sealed secrets cannot be read without it",
			"file", filepath.Join(dir.path, seal.File), "key", ring.Current())
	}
	return ring, nil
}
