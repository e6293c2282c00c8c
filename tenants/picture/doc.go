// Package picture keeps the pictures that dashboards show behind values: a drawing of a plant, say.
//
// Contract. What somebody uploads is never shown to anybody: it is decoded, within bounds that are known before, and what is
// kept is this program's own encoding of the pixels, as PNG or JPEG. Its name is the beginning of the hash of what is kept, so a
// name always means the same picture and the same picture is kept once. The tenant comes first everywhere, and a picture of
// another one is missing.
//
// Everything may be called concurrently; one picture is decoded at a time, because each needs memory for its pixels. Each tenant
// has room for Most of them; when there are as many, those that nobody uses go first. When the bucket is slow or dead every call
// fails with ErrUnavailable when its context ends, and nothing is half kept.
package picture
