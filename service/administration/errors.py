"""Problems of functional management."""

from service.errors import Problem


class StillNeeded(Problem):
    status, slug, title = 409, "still-needed", "Something active needs this"
    explanation = "What needs it is listed under errors. Nothing was changed."


class MoreThanOwn(Problem):
    status, slug, title = 403, "more-than-own", "This administrator would have more scopes than you"
    explanation = (
        "An administrator can be given, changed or opened only by one whose token has all its scopes."
    )
