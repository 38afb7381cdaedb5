"""The recorded signals.

Keeps what partners reported, as it was accepted: content and persons, but nothing that could name anybody.
Intake writes here, the reporter reads its own, referrals and statistics read along. It never shows a signal
of one organisation to another, and never the pseudonym of a person.
"""
