"""What the benchmarks run on, and what they lack."""

import os
import platform
import shutil
import sqlite3
from importlib.metadata import version

import psutil

INSTALL = {
    "wrk": "wrk makes the load. Debian, Ubuntu: apt-get install wrk; macOS: brew install wrk",
    "pgbench": "pgbench is the anchor on PostgreSQL. Debian, Ubuntu: apt-get install postgresql",
}


def lacking(path: str | None = None) -> dict[str, str]:
    """The programs that are missing, with how to install them; `path`: where to look beside PATH."""
    places = f"{path}:{os.environ.get('PATH', '')}" if path else None
    return {name: words for name, words in INSTALL.items() if shutil.which(name, path=places) is None}


def machine(postgres_version: str | None, load: float) -> list[str]:
    """Lines that say what the figures come from; `load`: how busy the machine was before the first window."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "sqlalchemy", "asyncpg")
    )
    return [
        f"{cores} cores, {psutil.virtual_memory().total / 2**30:.0f} GB memory, "
        f"{platform.system()} {platform.machine()}; load generator, application and database share them; "
        f"load average {load:.1f} before the first window (near 0 on a machine that does nothing else)",
        f"Python {platform.python_version()}; {packages}",
        f"{postgres_version or 'no PostgreSQL measured'}; SQLite {sqlite3.sqlite_version}",
    ]
