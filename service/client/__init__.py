"""The shipped client: a small typed way to call a register over HTTP.

Keeps a token and asks for a new one in time. Used by the command line and the demo; stands alone, so that a
partner can copy the idea. It never writes a secret, a token or a pseudonym anywhere.
"""
