"""Intake: from a partner's body to a recorded, decided and referred signal.

Keeps what spans rooms: the shape of a submission, the check against the agreement, the group commit and the
idempotency of posts. Reporters come in. It never tells whether a person is known, never acknowledges what is
not durable, and stores nothing of what it refuses.
"""
