"""Alembic's entry for the key service, whose database is its own."""

from alembic import context
from service.keyservice.settings import load_key_service_settings
from service.keyservice.tables import METADATA
from service.migrations import run_migrations

run_migrations(context, METADATA, lambda: load_key_service_settings().database_url)
