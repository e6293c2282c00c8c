// Package enginetest gives tests a real embedded ClickHouse engine.
//
// It owns one engine per test program, started when a test first asks for it, in a temporary directory that is removed
// with it. Tests that run side by side are isolated by databases of their own. It fails a test that asks when the
// engine cannot be started; it never skips one. The engine dies with the test program, however that ends.
package enginetest
