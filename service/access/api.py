"""The doors of access: tokens given and taken back, the public keys, and where all that is to be found."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel

from service.access import errors, granting
from service.access.granting import Desk
from service.access.metadata import JWKS_PATH, REVOCATION_PATH, TOKEN_PATH, server_metadata
from service.access.models import TokenAnswer
from service.access.presented import Credentials

router = APIRouter(tags=["access"], redirect_slashes=False)


class ClientForm(BaseModel):
    """How a client shows who it is in a form; by Basic or by an assertion is better than by secret."""

    client_id: str | None = None
    client_secret: str | None = None
    client_assertion_type: str | None = None
    client_assertion: str | None = None


class TokenForm(ClientForm):
    """RFC 6749 section 4.4.2, with RFC 8707's `resource`."""

    grant_type: str | None = None
    scope: str | None = None
    resource: str | None = None


class RevocationForm(ClientForm):
    """RFC 7009 section 2.1."""

    token: str | None = None
    token_type_hint: str | None = None


async def _nothing_twice(request: Request) -> None:
    """RFC 6749 section 3.2: a parameter is given once."""
    form = await request.form()
    if len(form.multi_items()) > len(form):
        raise errors.InvalidRequest


@router.post(TOKEN_PATH, operation_id="issue_token", dependencies=[Depends(_nothing_twice)])
async def issue_token(request: Request, form: Annotated[TokenForm, Form()]) -> TokenAnswer:
    """An access token for a client (RFC 6749 section 4.4), by secret or by `private_key_jwt` (RFC 7523)."""
    if form.grant_type != "client_credentials":
        raise errors.UnsupportedGrantType if form.grant_type else errors.InvalidRequest
    asked = granting.Asked(form.scope, form.resource)
    return await granting.issue_token(_desk(request), _shown(request, form), asked, **_place(request))


@router.post(REVOCATION_PATH, operation_id="revoke_token", dependencies=[Depends(_nothing_twice)])
async def revoke_token(request: Request, form: Annotated[RevocationForm, Form()]) -> Response:
    """Take back an access token of one's own (RFC 7009): within a minute it opens nothing any more."""
    if not form.token:
        raise errors.InvalidRequest
    await granting.revoke_token(_desk(request), _shown(request, form), token=form.token, **_place(request))
    request.app.state.verify.forget_token(form.token)
    return Response()


@router.get(JWKS_PATH, operation_id="get_jwks")
async def get_jwks(request: Request) -> dict[str, list[dict[str, Any]]]:
    """The public keys with which tokens can be verified (RFC 7517)."""
    return {"keys": [dict(key) for key in request.app.state.press.issuer.keys.values()]}


@router.get("/.well-known/oauth-authorization-server", operation_id="get_server_metadata")
async def get_server_metadata(request: Request) -> dict[str, Any]:
    """What a client library needs to find its way (RFC 8414)."""
    return server_metadata(request.app.state.press.issuer)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _place(request: Request) -> dict[str, str]:
    """Where a request comes from, and its trace."""
    address = request.client.host if request.client else ""
    return {"address": address, "trace_id": request.state.trace_id}


def _shown(request: Request, form: ClientForm) -> Credentials:
    return Credentials(
        authorization=request.headers.get("authorization"),
        client_id=form.client_id,
        client_secret=form.client_secret,
        client_assertion_type=form.client_assertion_type,
        client_assertion=form.client_assertion,
    )
