"""Problems of access: those of the token endpoint, told as RFC 6749 section 5.2 asks, and those of clients."""

from collections.abc import Mapping
from typing import Any, ClassVar

from service.errors import Problem
from service.trail import NOBODY, Who


class OAuthProblem(Problem):
    """Answers `{"error", "error_description"}` instead of problem details.

    `of_client` tells the trail which client was named, where it is one of ours; the answer never does.
    """

    status: ClassVar[int] = 400
    media_type = "application/json"

    def __init__(
        self,
        detail: str | None = None,
        *,
        of_client: Who = NOBODY,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail, headers=headers)
        self.of_client = of_client

    def as_json(self, trace_id: str) -> dict[str, Any]:
        return {"error": self.slug, "error_description": self.detail}


class InvalidRequest(OAuthProblem):
    slug, explanation = "invalid_request", "A parameter is missing, repeated or unknown."


class InvalidClient(OAuthProblem):
    status, slug = 401, "invalid_client"
    explanation = "No such client, or what it showed (secret, assertion) is not right."

    def __init__(self, of_client: Who = NOBODY) -> None:
        challenge = {"WWW-Authenticate": 'Basic realm="signal-register"'}
        super().__init__(of_client=of_client, headers=challenge)


class UnsupportedGrantType(OAuthProblem):
    slug, explanation = "unsupported_grant_type", "Only client_credentials."


class InvalidScope(OAuthProblem):
    slug, explanation = (
        "invalid_scope",
        "This client may not have every scope that was asked, or none was named.",
    )


class InvalidTarget(OAuthProblem):
    slug, explanation = "invalid_target", "The resource is not the audience of this register's tokens."


class UnauthorizedClient(OAuthProblem):
    slug, explanation = "unauthorized_client", "This token was given to another client."


class SlowDown(OAuthProblem):
    status, slug = 429, "temporarily_unavailable"
    explanation = "Too many attempts. Try again after the time in Retry-After."


class NameTaken(Problem):
    status, slug, title = 409, "name-taken", "Another client has this name"
    explanation = "Names of clients are unique, also among those that have ended."


class ClientEnded(Problem):
    status, slug, title = 409, "client-ended", "This client has ended"
    explanation = "A client that has ended stays so. Make a new one."


class TwoAtATime(Problem):
    status, slug, title = 409, "two-at-a-time", "Two are valid already"
    explanation = "A client has at most two valid secrets and two valid keys: end the old one first."


class KidTaken(Problem):
    status, slug, title = 409, "kid-taken", "The client has a valid key with this kid"
    explanation = "Give the new key another kid, or leave it out: then it is its thumbprint."
