"""The table of the native API: every operation, once. The router, the OpenAPI and the test matrices come from it."""

from __future__ import annotations

from typing import Final

from tallystick.api.native import (
    audit,
    automatic_billing,
    cards,
    changes,
    clients,
    credit_notes,
    expenses,
    files,
    invitations,
    invoices,
    mails,
    milestones,
    oauth,
    people,
    portal,
    projects,
    rates,
    reconciliation,
    recurring_invoices,
    reports,
    sending,
    series,
    tasks,
    tax_rates,
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
    *sending.OPERATIONS,
    *invitations.OPERATIONS,
    *credit_notes.OPERATIONS,
    *series.OPERATIONS,
    *mails.OPERATIONS,
    *portal.OPERATIONS,
    *recurring_invoices.OPERATIONS,
    *tax_rates.OPERATIONS,
    *automatic_billing.OPERATIONS,
    *cards.OPERATIONS,
    *reconciliation.OPERATIONS,
    *reports.OPERATIONS,
    *oauth.OPERATIONS,
    *changes.OPERATIONS,
    *audit.OPERATIONS,
)
