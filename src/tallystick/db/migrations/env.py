"""Alembic loads this file for each run; the connection was configured by `migrate`."""

from alembic import context

with context.begin_transaction():
    context.run_migrations()
