"""The problems of the key service."""

from service.errors import Problem, TooManyRequests


class QuotaPassed(TooManyRequests):
    status, slug, title = 429, "quota-passed", "This client has had its evaluations"
    explanation = "Nothing was evaluated. Try again after the seconds in Retry-After."

    def __init__(self, resets_in: int) -> None:
        super().__init__(headers={"Retry-After": str(resets_in)})


class OtherEpoch(Problem):
    status, slug, title = 409, "other-epoch", "Another epoch is in use"
    explanation = (
        "Nothing was evaluated. Read /v1/parameters again, and blind for the epoch that stands there."
    )
