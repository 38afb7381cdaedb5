"""Problems of the queue."""

from service.errors import Problem


class NotPossibleNow(Problem):
    status, slug, title = 409, "not-possible-now", "The referral is in another state"
    explanation = "Its present state does not allow this step; read it again to see which state it is in."


class NotTheHolder(Problem):
    status, slug, title = 409, "not-the-holder", "Another client holds this referral"
    explanation = "Only the client that claimed it can take this step while the lease runs."


class ClaimKeyReused(Problem):
    status, slug, title = 409, "idempotency-key-reused", "This Idempotency-Key was used for another claim"
    explanation = "Use a new key for a new claim."


class NoSuchRecipient(Problem):
    status, slug, title = 409, "no-such-recipient", "Not an organisation that this can be forwarded to"
    explanation = "It must take part in the same agreement, and the agreement must share with its type."


class NobodyThere(Problem):
    status, slug, title = 409, "nobody-there", "Nobody at that organisation could pull this referral"
    explanation = "It has no client that works a queue for this municipality; phone it instead."


class HandlingCodeForbids(Problem):
    status, slug, title = (
        409,
        "handling-code-forbids",
        "A handling code of the sender forbids this forwarding",
    )
    explanation = "Ask the sender for permission first."


class NobodyToForward(Problem):
    status, slug, title = 409, "nobody-to-forward", "None of these persons may be forwarded to this recipient"
    explanation = "The agreement shares only persons in certain roles with recipients of this type."
