"""The doors of access: the token endpoint and the public keys."""

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request

from service.access import actions, errors
from service.access.models import TokenAnswer
from service.doors import Writing

router = APIRouter(tags=["access"], redirect_slashes=False)

Parameter = Annotated[str | None, Form()]


async def _nothing_twice(request: Request) -> None:
    """RFC 6749 section 3.2: a parameter is given once."""
    form = await request.form()
    if len(form.multi_items()) > len(form):
        raise errors.InvalidRequest


@router.post("/oauth/token", operation_id="issue_token", dependencies=[Depends(_nothing_twice)])
async def issue_token(
    request: Request,
    session: Writing,
    grant_type: Parameter = None,
    scope: Parameter = None,
    client_id: Parameter = None,
    client_secret: Parameter = None,
) -> TokenAnswer:
    """An access token for a client (RFC 6749 section 4.4), by HTTP Basic or by form."""
    if grant_type != "client_credentials":
        raise errors.UnsupportedGrantType if grant_type else errors.InvalidRequest
    name, secret = _credentials(request.headers.get("authorization"), client_id, client_secret)
    client = await actions.authenticate(session, client_id=_uuid(name), secret=secret)
    press, trace_id = request.app.state.press, request.state.trace_id
    return await actions.issue_token(session, client, scope=scope, press=press, trace_id=trace_id)


@router.get("/oauth/jwks.json", operation_id="get_jwks")
async def get_jwks(request: Request) -> dict[str, list[dict[str, Any]]]:
    """The public keys with which tokens can be verified (RFC 7517)."""
    return {"keys": [dict(key) for key in request.app.state.press.issuer.keys.values()]}


def _credentials(authorization: str | None, client_id: str | None, secret: str | None) -> tuple[str, str]:
    """Client id and secret from one of the two places; raises `InvalidRequest` when both are used."""
    if authorization is None:
        return client_id or "", secret or ""
    if secret is not None:
        raise errors.InvalidRequest("Authenticate by the header or in the form, not both.")
    scheme, _, encoded = authorization.partition(" ")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise errors.InvalidClient from None
    if scheme.lower() != "basic":
        raise errors.InvalidClient
    return unquote_plus(name), unquote_plus(password)


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
