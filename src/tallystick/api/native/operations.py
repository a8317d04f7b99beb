"""The table of the native API: every operation, once. The router, the OpenAPI and the test matrices come from it."""

from __future__ import annotations

from typing import Final

from tallystick.api.native import (
    clients,
    expenses,
    files,
    invoices,
    oauth,
    people,
    projects,
    recurring_invoices,
    tasks,
    time_entries,
)
from tallystick.api.wire import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *people.OPERATIONS,
    *clients.OPERATIONS,
    *projects.OPERATIONS,
    *tasks.OPERATIONS,
    *time_entries.OPERATIONS,
    *expenses.OPERATIONS,
    *files.OPERATIONS,
    *invoices.OPERATIONS,
    *recurring_invoices.OPERATIONS,
    *oauth.OPERATIONS,
)
