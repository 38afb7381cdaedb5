"""Problems of organisations and contact points."""

from service.errors import Problem


class OinTaken(Problem):
    status, slug, title = 409, "oin-taken", "Another organisation has this OIN"
    explanation = "An OIN belongs to one organisation; those that have ended keep theirs."


class Ended(Problem):
    status, slug, title = 409, "ended", "It has ended"
    explanation = "What has ended stays so. Make a new one."
