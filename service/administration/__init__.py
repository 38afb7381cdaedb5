"""Functional management: organisations, contact points and clients, over HTTP and on the command line.

Keeps nothing of its own: the tables belong to `organisations` and `access`. It is a room because changing or
ending one of these takes a look at what needs it, in rules, agreements and open referrals above them.
Administrators and their commands come in. It never sees a signal.
"""
