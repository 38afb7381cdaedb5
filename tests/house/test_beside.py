"""Work beside the event loop: its result, its error, and that a process ends without waiting for it."""

import subprocess
import sys

import pytest

from service.beside import beside

ENDING = """
import asyncio, time
from service.beside import beside

async def main():
    work = asyncio.create_task(beside(lambda: time.sleep(120)))
    await asyncio.sleep(0.2)
    work.cancel()

asyncio.run(main())
"""


async def test_the_result_and_the_error_come_back() -> None:
    assert await beside(lambda: 6 * 7) == 42
    with pytest.raises(ZeroDivisionError):
        await beside(lambda: 1 // 0)


def test_a_process_that_ends_does_not_wait_for_it() -> None:
    subprocess.run([sys.executable, "-c", ENDING], check=True, timeout=60)
