"""Fixtures that several nouns share."""

from tests.domain.invoices.conftest import bench, own_database

__all__ = ["bench", "own_database"]
