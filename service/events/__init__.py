"""The feed: that something happened, never what.

Keeps events (id, type, subject link, time, whose they are), appended in the transaction of the act. Numbering
and reading come with the coordinator's room; until then the rows wait. No content, no pseudonym, no count.
"""
