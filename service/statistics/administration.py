"""What functional management does from the command line: fixing the areas of a coming year."""

from collections.abc import Sequence

from service.database import Database
from service.statistics.actions import set_areas
from service.statistics.areas import standing_alone
from service.trail import Who


async def fix_areas(database_url: str, year: int, alone: Sequence[str], actor: str) -> None:
    """Set the areas of a year; raises `AreasFixed`, InvalidAreas, KeyError for an unknown municipality."""
    database = Database(database_url, pool_size=1)
    try:
        async with database.writing() as session:
            who = Who(role="administrator", actor=actor)
            await set_areas(session, who, year=year, areas=standing_alone(alone))
    finally:
        await database.close()
