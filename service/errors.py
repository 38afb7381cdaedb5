"""The one form of an error: problem details (RFC 9457), named for what happened.

Keeps the base class, the problems that belong to no room, and the words for faults that pydantic finds. Rooms
add theirs in their own `errors.py`. A problem never repeats a value that was sent: texts are fixed, and a
field that nobody knows is named only when its name cannot hold data.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

MOST_FAULTS = 500  # a body of commas would else be answered with a hundred times as much
PROBLEM_TYPE = "urn:signal-register:problem:"

_HARMLESS_FIELD_NAME = re.compile(r"[A-Za-z]{1,40}\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what was sent: where (JSON pointer, `query:x` or `header:X`), a code, a text."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):
    """What happened, as status, slug (the stable end of `type`) and title; subclasses are the catalogue."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "failed"
    title: ClassVar[str] = "Something failed on our side"
    explanation: ClassVar[str] = (
        "Nothing was stored. Try again later; the trace id helps us to find the cause."
    )

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(self.slug)
        self.detail = detail or self.explanation
        self.errors = tuple(errors[:MOST_FAULTS])
        if len(errors) > MOST_FAULTS:
            self.errors += (Fault("", "more", f"There is more than these {MOST_FAULTS}."),)
        self.headers = dict(headers or {})

    def as_json(self, trace_id: str) -> dict[str, Any]:
        """The body on the wire."""
        body: dict[str, Any] = {
            "type": PROBLEM_TYPE + self.slug,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "traceId": trace_id,
        }
        if self.errors:
            body["errors"] = [asdict(fault) for fault in self.errors]
        return body


class Invalid(Problem):
    status, slug, title = 400, "invalid", "What was sent is not right"
    explanation = "Every fault found is listed under errors. Nothing was stored."


class Unauthenticated(Problem):
    status, slug, title = 401, "unauthenticated", "No valid access token"
    explanation = "Ask for a token at /oauth/token and send it as 'Authorization: Bearer …'."


class Forbidden(Problem):
    status, slug, title = 403, "forbidden", "This client may not do that"
    explanation = "The token lacks the scope that this operation asks for; see the OpenAPI document."


class NotFound(Problem):
    status, slug, title = 404, "not-found", "There is nothing here"
    explanation = "It does not exist, or it is not yours."


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "This method does not exist here"
    explanation = "The Allow header lists the methods that do."


class NotAcceptable(Problem):
    status, slug, title = 406, "not-acceptable", "No such representation"
    explanation = "The Accept header excludes everything that this operation can answer with."


class Abandoned(Problem):
    status, slug, title = 408, "abandoned", "The connection was closed while this waited"
    explanation = "Nothing was done."


class PreconditionFailed(Problem):
    status, slug, title = 412, "stale", "It has changed since you read it"
    explanation = "If-Match does not name the present version. Read it again, then decide again."


class TooLarge(Problem):
    status, slug, title = 413, "too-large", "The body is too large"
    explanation = "A body is at most 64 KB."


class UnsupportedMediaType(Problem):
    status, slug, title = 415, "unsupported-media-type", "The body has another content type"
    explanation = "The OpenAPI document names the content type of this operation."


class HeadersTooLarge(Problem):
    status, slug, title = 431, "headers-too-large", "The headers are too large"
    explanation = "All headers together are at most 16 KB."


class PreconditionRequired(Problem):
    status, slug, title = 428, "if-match-required", "Say which version you mean"
    explanation = "Send If-Match with the ETag that you read last."


class TooManyRequests(Problem):
    status, slug, title = 429, "too-many-requests", "This client asks too much"
    explanation = (
        "Nothing was done. Try again after the seconds in Retry-After; RateLimit tells what is left."
    )


class Overloaded(Problem):
    status, slug, title = 503, "overloaded", "Too much work is waiting"
    explanation = (
        "Nothing was stored. Try again after the time in Retry-After, with the same Idempotency-Key."
    )

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "The register's database is away"
    explanation = "Nothing is certain to be stored. Try again with the same Idempotency-Key."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class KeyAway(Problem):
    status, slug, title = 503, "key-away", "This machine does not have a key that it needs"
    explanation = "Nothing was stored. Try again with the same Idempotency-Key; another machine may have it."

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


_WORDS: Mapping[str, tuple[str, str]] = {
    "missing": ("required", "This is required."),
    "extra_forbidden": ("unknown-field", "There is no such field here."),
    "literal_error": ("unknown-code", "Not a code of this list; see /v1/code-lists and /v1/municipalities."),
    "string_pattern_mismatch": ("wrong-form", "Does not have the form that the OpenAPI document gives."),
    "string_too_long": ("too-long", "At most {max_length} characters."),
    "string_too_short": ("too-short", "At least {min_length} characters."),
    "too_long": ("too-many", "At most {max_length} items."),
    "too_short": ("too-few", "At least {min_length} items."),
    "greater_than_equal": ("too-small", "At least {ge}."),
    "less_than_equal": ("too-large", "At most {le}."),
    "json_invalid": ("broken-json", "This is not JSON in UTF-8."),
    "uuid_parsing": ("wrong-form", "Must be a UUID."),
    "uuid_type": ("wrong-form", "Must be a UUID."),
}
_OTHER_WORDS = ("wrong-type", "Not the type that the OpenAPI document gives.")


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Pydantic's errors as faults, in our words: never with the value that was sent.

    A validator of ours raises `wire.fault` or `wire.faults`, whose codes and fixed texts are passed on.
    """
    return [fault for error in told_once(errors) for fault in _faults_of_one(error)]


def is_harmless(name: str) -> bool:
    """Whether the name of a field that is not ours can be told: it can hold nothing that somebody meant as a value."""
    return bool(_HARMLESS_FIELD_NAME.match(name))


def told_once(errors: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Pydantic's errors without those of lists that are too short because what was in them is wrong."""
    found = list(errors)
    spoilt = {tuple(error["loc"][:end]) for error in found for end in range(len(error["loc"]))}
    return [error for error in found if error["type"] != "too_short" or tuple(error["loc"]) not in spoilt]


def _faults_of_one(error: Mapping[str, Any]) -> list[Fault]:
    if error["type"] == "register.several":
        pointer = _pointer(error["loc"])
        return [Fault(pointer, code, told) for code, told in error["ctx"]["faults"]]
    return [_fault_of(error)]


def _fault_of(error: Mapping[str, Any]) -> Fault:
    kind = error["type"]
    if kind.startswith("register."):
        return Fault(_pointer(error["loc"]), kind.removeprefix("register."), error["msg"])
    code, words = _WORDS.get(kind, _OTHER_WORDS)
    location = error["loc"]
    if kind == "json_invalid":
        location = ("body",)
    if kind == "extra_forbidden" and not is_harmless(str(location[-1])):
        location = location[:-1]
    return Fault(_pointer(location), code, words.format_map(error.get("ctx", {})))


def _pointer(location: Sequence[str | int]) -> str:
    where, *steps = location
    if where == "body":
        return "".join(f"/{step}" for step in steps)
    return f"{where}:{'/'.join(str(step) for step in steps)}"
