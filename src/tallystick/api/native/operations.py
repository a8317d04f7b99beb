"""The table of the native API: every operation, once. The router, the OpenAPI and the test matrices come from it."""

from __future__ import annotations

from typing import Final

from tallystick.api.native import (
    clients,
    expenses,
    files,
    invoices,
    mails,
    milestones,
    oauth,
    people,
    projects,
    rates,
    recurring_invoices,
    reports,
    tasks,
    time_entries,
    write_offs,
)
from tallystick.api.wire import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *people.OPERATIONS,
    *clients.OPERATIONS,
    *projects.OPERATIONS,
    *tasks.OPERATIONS,
    *milestones.OPERATIONS,
    *time_entries.OPERATIONS,
    *expenses.OPERATIONS,
    *files.OPERATIONS,
    *write_offs.OPERATIONS,
    *rates.OPERATIONS,
    *invoices.OPERATIONS,
    *mails.OPERATIONS,
    *recurring_invoices.OPERATIONS,
    *reports.OPERATIONS,
    *oauth.OPERATIONS,
)
