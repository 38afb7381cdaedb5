"""Makers, callers and servers that tests share."""
