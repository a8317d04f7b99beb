"""The bench of invoices, and the judges of documents."""

from __future__ import annotations

from tests.documents.conftest import judges
from tests.domain.invoices.conftest import bench, own_database

__all__ = ["bench", "judges", "own_database"]
