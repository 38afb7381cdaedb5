"""The problems of the sealed side."""

from service.errors import Problem


class KeysRotating(Problem):
    status, slug, title = 503, "keys-rotating", "The sealed side is being given another key"
    explanation = (
        "Nothing was done: persons cannot be told apart until that is finished. Try again in a minute."
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})
