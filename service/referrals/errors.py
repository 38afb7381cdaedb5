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
    explanation = "Ask the sender for permission first, by a question of the kind PERMISSION."


class NobodyToForward(Problem):
    status, slug, title = 409, "nobody-to-forward", "None of these persons may be forwarded to this recipient"
    explanation = "The agreement shares only persons in certain roles with recipients of this type."


class ForwardedAlready(Problem):
    status, slug, title = 409, "forwarded-already", "This recipient has it already"
    explanation = "Its referral there is still open; it can be forwarded there again once that has ended."


class NoSuchChild(Problem):
    status, slug, title = 409, "no-such-child", "This referral has no such open child"
    explanation = "Read it again: its recipient may have closed or returned it meanwhile."


class RenewedEnough(Problem):
    status, slug, title = 409, "renewed-enough", "This lease was renewed three times"
    explanation = "Accept the referral, release it or return it."


class NoSuchQuestion(Problem):
    status, slug, title = 409, "no-such-question", "There is no such question about this signal"
    explanation = "Read the feedback of the signal for the questions that wait for an answer."


class AnsweredAlready(Problem):
    status, slug, title = 409, "answered-already", "This question has another answer already"
    explanation = "The first answer stays. What has changed since belongs into a correction of the signal."


class NobodyAsksAnyMore(Problem):
    status, slug, title = 409, "nobody-asks-any-more", "Nobody waits for this answer any more"
    explanation = (
        "The referral has ended, or the signal was corrected since permission was asked; nothing was stored."
    )


class TooManyQuestions(Problem):
    status, slug, title = 409, "too-many-questions", "Too many questions about this signal are open"
    explanation = "Wait for the answers, or phone the reporter."


class NoSuchContactPoint(Problem):
    status, slug, title = 409, "no-such-contact-point", "Not a contact point that this can go to"
    explanation = (
        "It must be valid today and a party to the agreement under which the signal came, and must not have "
        "returned it before."
    )
