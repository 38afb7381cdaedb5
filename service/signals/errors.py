"""Problems of recorded signals."""

from service.errors import Problem


class NotActive(Problem):
    status, slug, title = 409, "not-active", "This signal is not active any more"
    explanation = (
        "It was withdrawn, restricted or erased, or its last day has passed: it can be read, but not changed."
    )
