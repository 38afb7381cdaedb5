"""Referrals: the queue of a central contact point.

Keeps for each signal its referral to a contact point: states, leases, terms, escalation, forwardings, returns,
questions to the reporter and the feedback that it hears. Coordinators and recipients work their own queue here,
reporters hear and answer, the administration places what nobody took; intake writes the first row. It never decides
about a signal by itself, never hands one referral to two holders, and never shows another contact point's queue.
"""
