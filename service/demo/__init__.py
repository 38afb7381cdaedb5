"""The demo: the whole way of some signals, played over HTTP against servers of its own.

Loads the pack of `synthesis` into a register and tells a story with it (`story`, and a module for each chapter). The
command line, the benchmarks and the tests come in. It never holds a real person, number or secret.
"""
