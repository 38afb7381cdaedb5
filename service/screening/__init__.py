"""The personal data guard: whether a free text holds what could identify somebody.

Keeps the rules and their word lists (`data/`, with sources in SOURCES.md), and nothing of what it reads. Every
room that takes a string which a person can fill freely comes in, through `guard.screen`. Pure: no database,
no web framework, no clock, no log. It tells kinds, never the text or a part of it, and it errs on the side of
refusing: what it doubts is to be rephrased. The best guard misses some, so free text stays off by default.
"""
