"""The table of the Grow CRM-compatible API: every operation, once."""

from __future__ import annotations

from typing import Final

from tallystick.api.growcrm import (
    categories,
    checklists,
    clients,
    contacts,
    expenses,
    invoices,
    milestones,
    notes,
    payments,
    projects,
    refunds,
    tasks,
    team,
    timesheets,
)
from tallystick.api.wire import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *timesheets.OPERATIONS,
    *tasks.OPERATIONS,
    *team.OPERATIONS,
    *clients.OPERATIONS,
    *contacts.OPERATIONS,
    *categories.OPERATIONS,
    *projects.OPERATIONS,
    *milestones.OPERATIONS,
    *checklists.OPERATIONS,
    *notes.OPERATIONS,
    *invoices.OPERATIONS,
    *payments.OPERATIONS,
    *refunds.OPERATIONS,
    *expenses.OPERATIONS,
)
