"""Alembic's entry: the same migrations for SQLite and PostgreSQL, run through the service's own engine."""

from sqlmodel import SQLModel

from alembic import context
from service import tables  # noqa: F401  (every table is known)
from service.migrations import run_migrations
from service.settings import load_settings

run_migrations(context, SQLModel.metadata, lambda: load_settings().database_url)
