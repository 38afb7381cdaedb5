"""Work of minutes beside the event loop, in a thread that keeps no process from ending.

The threads of the event loop would: a process that shall end waits for them, and no solver can be interrupted. Called
by jobs; what their work holds must be safe to lose.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def beside(work: Callable[[], Result]) -> Result:
    """The result of the work, or what it raised."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[Result] = loop.create_future()

    def tell(act: Callable[[Any], None], outcome: object) -> None:
        if not found.done():
            act(outcome)

    def run() -> None:
        try:
            told: tuple[Callable[[Any], None], object] = found.set_result, work()
        except BaseException as error:
            told = found.set_exception, error
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=run, daemon=True).start()
    return await found
