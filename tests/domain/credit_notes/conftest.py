"""The bench of invoices."""

from __future__ import annotations

from tests.domain.invoices.conftest import bench, own_database

__all__ = ["bench", "own_database"]
