"""Problems of intake."""

from service.errors import Problem


class NoAgreement(Problem):
    status, slug, title = 409, "no-agreement", "No working agreement in force"
    explanation = "Your organisation takes part in no working agreement that is in force today."


class NotAgreed(Problem):
    status, slug, title = 409, "not-agreed", "The working agreement does not open this"
    explanation = "The fields listed under errors are not open to your kind of organisation."


class NoRules(Problem):
    status, slug, title = 409, "no-rules", "No routing rules for this municipality"
    explanation = "None of the municipalities of this signal has an active rule set."


class NoContactPoint(Problem):
    status, slug, title = 409, "no-contact-point", "No contact point for this municipality"
    explanation = "No contact point of your working agreement serves a municipality of this signal."


class TooManyLines(Problem):
    status, slug, title = 413, "too-many-lines", "A batch has at most 1,000 lines"
    explanation = "This line and those after it were not looked at. Send them as another batch."


class KeyReused(Problem):
    status, slug, title = 409, "idempotency-key-reused", "This Idempotency-Key was used for another body"
    explanation = "The key belongs to an earlier signal with another body. Use a new key for a new signal."


class Erased(Problem):
    status, slug, title = 410, "erased", "The signal of this key was erased"
    explanation = "It was registered with this key and has been erased since."
