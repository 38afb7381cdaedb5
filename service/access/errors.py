"""Problems of the token endpoint, told as RFC 6749 section 5.2 asks."""

from typing import Any, ClassVar

from service.errors import Problem


class OAuthProblem(Problem):
    """Answers `{"error", "error_description"}` instead of problem details."""

    status: ClassVar[int] = 400
    media_type = "application/json"

    def as_json(self, trace_id: str) -> dict[str, Any]:
        return {"error": self.slug, "error_description": self.detail}


class InvalidRequest(OAuthProblem):
    slug, explanation = "invalid_request", "A parameter is missing, repeated or unknown."


class InvalidClient(OAuthProblem):
    status, slug = 401, "invalid_client"
    explanation = "No such client, or the secret is wrong."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="signal-register"'})


class UnsupportedGrantType(OAuthProblem):
    slug, explanation = "unsupported_grant_type", "Only client_credentials."


class InvalidScope(OAuthProblem):
    slug, explanation = "invalid_scope", "This client may not have every scope that was asked."
