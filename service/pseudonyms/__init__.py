"""Pseudonyms: from the token that a partner sends to the register's own subject.

Keeps the sealed side: all that links rows to people. A subject is a keyed hash of the
token, the token itself is encrypted; neither is in any answer, log, metric, event or export. Intake writes
here, matching and statistics read subjects. It never sees a name or a number of a person.
"""
