// Package id holds the names of things as distinct types, so that a tenant can never be passed where a device is
// meant and no unchecked text can become part of a NATS subject, a SQL parameter or a URL.
//
// Contract: every value of these types made by this package is one safe NATS token: 1 to 63 characters of
// lower-case ASCII letters, digits and hyphens, the first one no hyphen. The only constructors are Parse and New.
// All functions may be called concurrently; New reads crypto/rand and never fails on a supported system.
package id
