"""Benchmarks: wenlu and a peer on the same work, in turn, with the ratio printed."""
