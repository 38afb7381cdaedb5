"""The doors of the key service: evaluations, and how tokens are made."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import OAuth2, SecurityScopes

from service import base64url
from service.access.roles import PARTNER_SCOPES
from service.caller import Caller
from service.database import Database
from service.doors import identify
from service.errors import Forbidden
from service.keyservice import actions
from service.keyservice.epochs import Epoch, Epochs
from service.keyservice.errors import OtherEpoch
from service.keyservice.models import Evaluation, EvaluationRequest, Parameters
from service.keyservice.settings import KeyServiceSettings
from service.problems import JsonRoute

router = APIRouter(tags=["pseudonyms"], route_class=JsonRoute, redirect_slashes=False)

SCOPES = dict.fromkeys(PARTNER_SCOPES, "have elements evaluated")
oauth2 = OAuth2(
    scheme_name="clientCredentials",
    flows={"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": SCOPES}},
    auto_error=False,
)


async def enter(request: Request, wanted: SecurityScopes, _scheme: Annotated[Any, Depends(oauth2)]) -> Caller:
    """The door: a valid token with its scopes. Systems come in here, so nobody has to say who acts."""
    caller = await identify(request)
    if not caller.scopes.issuperset(wanted.scopes):
        raise Forbidden(headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})
    return caller


Partner = Annotated[Caller, Security(enter, scopes=sorted(PARTNER_SCOPES))]


@router.get("/parameters", operation_id="get_parameters")
async def get_parameters(caller: Partner, request: Request) -> Parameters:
    """How a token is made now; read it again when an evaluation is refused for its epoch."""
    settings, epoch = _settings(request), _epoch(request)
    return Parameters(
        purpose=settings.purpose,
        register_name=settings.register_name,
        epoch=epoch.number,
        check=epoch.check,
    )


@router.post("/evaluations", operation_id="evaluate_elements")
async def evaluate_elements(caller: Partner, wanted: EvaluationRequest, request: Request) -> Evaluation:
    """Evaluate up to 50 blinded elements (RFC 9497, ristretto255-SHA512, mode OPRF)."""
    epoch = _epoch(request)
    if wanted.epoch != epoch.number:
        raise OtherEpoch
    async with _database(request).writing() as session:
        used = {"epoch": epoch.number, "count": len(wanted.elements)}
        await actions.take(session, caller, **used, quotas=_quotas(request))
    evaluated = actions.evaluate(epoch, wanted.elements)
    return Evaluation(epoch=epoch.number, elements=[base64url.encode(element) for element in evaluated])


def _epoch(request: Request) -> Epoch:
    epochs: Epochs = request.app.state.epochs
    return epochs.current


def _settings(request: Request) -> KeyServiceSettings:
    return request.app.state.settings  # type: ignore[no-any-return]


def _database(request: Request) -> Database:
    return request.app.state.database  # type: ignore[no-any-return]


def _quotas(request: Request) -> dict[str, int]:
    settings = _settings(request)
    return {"minute": settings.evaluations_per_minute, "day": settings.evaluations_per_day}
