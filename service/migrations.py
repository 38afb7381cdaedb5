"""Running the migrations of `alembic/` from code: the command line, the demo and the tests use this."""

from pathlib import Path

from alembic.config import Config

from alembic import command

ALEMBIC_INI = Path(__file__).resolve().parent.parent / "alembic.ini"


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration for a database."""
    config = Config(str(ALEMBIC_INI))
    config.attributes["database_url"] = database_url
    return config


def migrate_database(database_url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; must not be called where an event loop runs."""
    command.upgrade(alembic_config(database_url), revision)
