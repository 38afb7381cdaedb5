"""Doing the same for one thing after the other, so that one that fails keeps nobody from the rest.

Called by jobs. What failed is raised at the end, for health and metrics to show.
"""

from collections.abc import AsyncIterable, Awaitable, Callable
from typing import TypeVar

from service.database import is_passing

Thing = TypeVar("Thing")


async def each_apart(things: AsyncIterable[Thing], act: Callable[[Thing], Awaitable[None]]) -> None:
    """Do it for each; raises the first failure at the end, and at once where it is the database that fails."""
    failures: list[Exception] = []
    async for thing in things:
        try:
            await act(thing)
        except Exception as error:
            if is_passing(error):
                raise
            failures.append(error)
    if failures:
        raise failures[0]
