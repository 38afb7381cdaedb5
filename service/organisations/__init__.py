"""Organisations and their contact points.

Keeps who takes part: name, type, OIN, and, for a contact point, which municipalities it serves and whom to
phone. Changed by administrators (data pack and command line by now); read by intake, routing and referrals.
It never holds the name of a person: a contact point has functions, not people.
"""
