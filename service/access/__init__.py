"""Clients and their tokens.

Keeps the OAuth clients, their secrets (hashed) and what each role may do; issues access tokens (RFC 9068) and
verifies them. Everybody may knock at the token endpoint. It never stores a secret or a token in clear, and
never learns who a person is: `Actor` is an opaque staff id.
"""
