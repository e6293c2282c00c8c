// Package static carries the browser's files inside the binary: scripts, styles and images under names that contain a
// hash of their content.
//
// Contract: Open reads the manifest once and fails with ErrNotBuilt when the bundle is missing; an Assets never changes
// afterwards and may be used concurrently. Path panics for a name that is not in the bundle, because that is a mistake in
// a page and every page is rendered by a test. The handler serves hashed names for a year as immutable, compressed when
// the browser takes gzip, and nothing else: no directory listings, no manifest. It needs nothing and so is never slow.
package static
