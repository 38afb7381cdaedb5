"""Attacks on the released statistics, as somebody outside would try them: over HTTP, with the truth known to the test.

A `world` is a register that was filled and released; `reading` all that anybody can read of it, `truth` what only the
test knows. Each other module is one attack, tried on the register and on a naive variant that has the same truth.
An attack claims a number only when its method entails the claim, never as a guess; it wins where a claim tells more
than the register promises. `python -m tests.attacks` shows who won how often.

Never does: ask the database for an answer, or reuse what the register itself uses to look at its numbers.
"""
