"""Problems of statistics."""

from service.errors import Problem


class PeriodNotClosed(Problem):
    status, slug, title = 409, "period-not-closed", "This period is not closed yet"
    explanation = "A period is counted from the 31st day after its end."


class ReleaseExists(Problem):
    status, slug, title = 409, "release-exists", "This period has been released already"
    explanation = "A period is counted once; its release never changes."


class BeingCompiled(Problem):
    status, slug, title = 409, "being-compiled", "A release is being compiled"
    explanation = "Releases are compiled one after the other: ask again when this one has ended."


class GivenUp(Problem):
    status, slug, title = 503, "given-up", "The compilation did not come to an end"
    explanation = "It was begun several times and never came to its end. Nothing of this release was stored."


class OutOfOrder(Problem):
    status, slug, title = 409, "out-of-order", "A later period has been released already"
    explanation = "Periods are counted in order, or a person would be counted in two of them."


class NothingReleasable(Problem):
    status, slug, title = 409, "nothing-releasable", "No safe rounding was found"
    explanation = "Nothing of this release was stored or published."


class SamePerson(Problem):
    status, slug, title = 409, "same-person", "Compiling and publishing take two people"
    explanation = "Somebody else than the compiler publishes a release."


class AlreadyPublished(Problem):
    status, slug, title = 409, "already-published", "This release is published already"
    explanation = "A published release never changes."


class AreasFixed(Problem):
    status, slug, title = 409, "areas-fixed", "The areas of this year are fixed"
    explanation = "Areas are set before the year begins, and once."
