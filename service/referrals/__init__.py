"""Referrals: the queue of a central contact point.

Keeps for each signal one referral to its contact point, its states, leases, terms and forwardings. Coordinators
and recipients work their own queue here; intake writes the first row. It never decides about a signal by
itself, never hands one referral to two holders, and never shows another contact point's queue.
"""
