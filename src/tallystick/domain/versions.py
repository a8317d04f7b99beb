"""Versions of rows: in a word, which state of a row somebody saw, so that they do not overwrite a later one unseen."""

from __future__ import annotations

from datetime import datetime

from tallystick.db.base import Row


def version_of(row: Row) -> str:
    """The state that a row is in. It has another word after every change."""
    changed: datetime | None = row.__dict__.get("updated_at")
    return "" if changed is None else f"{int(changed.timestamp() * 1_000_000):x}"


def seen(row: Row) -> str:
    """A row and its version, as a form carries them; its table and none where nobody has made the row yet."""
    return f"{row.__dict__.get('id') or row.__tablename__}:{version_of(row)}"
