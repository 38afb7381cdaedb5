"""Routing: what kind of answer a signal gets, and who gives it.

Keeps the rule sets of the municipalities: ordered tables that choose a level, a term, suggestions and advice.
Intake comes in with the facts of a signal, the administrator with drafts. Its heart (`rules`, `decide`,
`resolve`) knows no database, no web framework and no clock. It never forwards a signal: each goes to a
contact point, where a person decides. It never sees who somebody is, only role, age band, gender and status.
"""
