"""Benchmarks: our measures interleaved with their anchors. Never part of the test suite, asserts no times."""
