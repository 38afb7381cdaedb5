"""The shipped client: a small typed way to call a register over HTTP, and the commands of a partner.

Keeps an access token and asks for a new one in time; makes the tokens of persons through the key service; posts
records in batches and keeps what could not be sent in a sealed spool; works a queue. Used by the command line and
the demo; stands alone, so that a partner can copy the idea. What tells who somebody is leaves for nowhere, and is
written nowhere; a token is written only sealed, in the spool.
"""
