"""The door through which other doors get the sealer, to show a note to those who may read it."""

from typing import Annotated

from fastapi import Depends, Request

from service.pseudonyms.sealing import Sealer


async def _sealer_of(request: Request) -> Sealer:
    return request.app.state.sealer  # type: ignore[no-any-return]


Unsealing = Annotated[Sealer, Depends(_sealer_of)]
