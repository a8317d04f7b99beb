"""The table of the native API: every operation, once. The router, the OpenAPI and the test matrices come from it."""

from __future__ import annotations

from typing import Final

from tallystick.api.native import (
    automatic_billing,
    cards,
    clients,
    credit_notes,
    expenses,
    invoices,
    mails,
    milestones,
    oauth,
    people,
    projects,
    rates,
    recurring_invoices,
    reports,
    series,
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
    *write_offs.OPERATIONS,
    *rates.OPERATIONS,
    *invoices.OPERATIONS,
    *credit_notes.OPERATIONS,
    *series.OPERATIONS,
    *mails.OPERATIONS,
    *recurring_invoices.OPERATIONS,
    *automatic_billing.OPERATIONS,
    *cards.OPERATIONS,
    *reports.OPERATIONS,
    *oauth.OPERATIONS,
)
