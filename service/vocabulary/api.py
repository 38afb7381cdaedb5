"""The doors of the vocabulary: open to every client with a valid token, whatever its scopes."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.caller import Caller
from service.doors import entering, link_next
from service.errors import NotFound
from service.paging import MAX_LIMIT, bad_cursor, decode_cursor, encode_cursor
from service.problems import JsonRoute
from service.vocabulary.lists import VERSION, code_lists
from service.vocabulary.models import (
    CodeListNames,
    CodeListRead,
    MunicipalityPage,
    read_code,
    read_municipality,
)
from service.vocabulary.municipalities import municipalities
from service.wire import Wire

router = APIRouter(tags=["vocabulary"], route_class=JsonRoute, redirect_slashes=False)

AnyCaller = Annotated[Caller, entering()]


class MunicipalityQuery(Wire):
    """Which part of the list."""

    cursor: Annotated[str | None, Query(max_length=200)] = None
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT


@router.get("/code-lists", operation_id="list_code_lists")
async def list_code_lists(caller: AnyCaller) -> CodeListNames:
    """The names of the code lists."""
    return CodeListNames(version=VERSION, items=list(code_lists()))


@router.get("/code-lists/{name}", operation_id="get_code_list", response_model_exclude_none=True)
async def get_code_list(caller: AnyCaller, name: str) -> CodeListRead:
    """One code list, with Dutch and English labels and sources."""
    codes = code_lists().get(name)
    if codes is None:
        raise NotFound
    return CodeListRead(name=name, version=VERSION, codes=[read_code(code) for code in codes.values()])


@router.get("/municipalities", operation_id="list_municipalities", response_model_exclude_none=True)
async def list_municipalities(
    caller: AnyCaller, query: Annotated[MunicipalityQuery, Query()], request: Request, response: Response
) -> MunicipalityPage:
    """All municipalities by CBS code, page by page."""
    shown, following = _page(query.cursor, query.limit)
    link_next(request, response, following)
    return MunicipalityPage(items=[read_municipality(municipalities()[code]) for code in shown])


def _page(cursor: str | None, limit: int) -> tuple[list[str], str | None]:
    """The codes of a page and the cursor of the next; raises `Invalid` for a cursor not of ours."""
    everything = list(municipalities())
    start = 0
    if cursor is not None:
        (last,) = decode_cursor(cursor, 1)
        if last not in municipalities():
            raise bad_cursor()
        start = everything.index(last) + 1
    shown = everything[start : start + limit]
    return shown, encode_cursor(shown[-1]) if start + limit < len(everything) else None
