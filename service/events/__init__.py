"""The feed: that something happened, never what.

Keeps events (id, type, subject link, time, whose they are), appended in the transaction of the act, numbered by a job,
dropped when the agreement wants them kept no longer. Reporters, coordinators and recipients come in for what is their
own organisation's, their role's and their territory's. No content, no pseudonym, no count.
"""
