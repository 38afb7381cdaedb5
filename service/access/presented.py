"""What a client presents at the token endpoint to show who it is. Pure: nothing is believed here.

One way at a time: HTTP Basic, a secret in the form (RFC 6749 section 2.3.1), or an assertion (RFC 7523).
"""

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import unquote_plus
from uuid import UUID

from service.access import errors
from service.access.assertions import ASSERTION_TYPE, Shown, shown_in
from service.access.tokens import TokenRefused
from service.caller import NO_CLIENT

ONE_WAY = "Authenticate in one way: by the header, by a secret in the form, or by an assertion."


@dataclass(frozen=True, slots=True)
class Credentials:
    """As they came: the Authorization header and the parameters of the form."""

    authorization: str | None
    client_id: str | None
    client_secret: str | None
    client_assertion_type: str | None
    client_assertion: str | None


@dataclass(frozen=True, slots=True)
class Presented:
    """The client's name, and its secret or assertion."""

    client_id: UUID
    secret: str = ""
    assertion: Shown | None = None


def presented(given: Credentials) -> Presented:
    """Read it; raises `InvalidRequest` for two ways at once, `InvalidClient` for what cannot be right."""
    if sum(way is not None for way in (given.authorization, given.client_secret, given.client_assertion)) > 1:
        raise errors.InvalidRequest(ONE_WAY)
    if given.client_assertion is not None or given.client_assertion_type is not None:
        return _by_assertion(given)
    if given.authorization is None:
        return Presented(_uuid(given.client_id or ""), given.client_secret or "")
    name, password = _basic(given.authorization)
    if given.client_id not in (None, name):
        raise errors.InvalidRequest(ONE_WAY)
    return Presented(_uuid(name), password)


def _by_assertion(given: Credentials) -> Presented:
    if given.client_assertion_type != ASSERTION_TYPE:
        raise errors.InvalidRequest("client_assertion_type must be that of RFC 7523.")
    try:
        shown = shown_in(given.client_assertion or "")
    except TokenRefused:
        raise errors.InvalidClient from None
    if given.client_id not in (None, str(shown.client_id)):
        raise errors.InvalidClient
    return Presented(shown.client_id, assertion=shown)


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise errors.InvalidClient from None
    if scheme.lower() != "basic":
        raise errors.InvalidClient
    return unquote_plus(name), unquote_plus(password)


def _uuid(name: str) -> UUID:
    """The client's id, or one that no client has: refused as any unknown client is."""
    try:
        return UUID(name)
    except ValueError:
        return NO_CLIENT
