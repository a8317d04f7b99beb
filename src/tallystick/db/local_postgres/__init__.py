"""A private PostgreSQL in the data directory, for whoever does not bring one (docs/decisions/0001)."""

from tallystick.db.local_postgres.errors import LocalPostgresError
from tallystick.db.local_postgres.files import ServeLock, key_file
from tallystick.db.local_postgres.installation import LocalPostgres

__all__ = ["LocalPostgres", "LocalPostgresError", "ServeLock", "key_file"]
