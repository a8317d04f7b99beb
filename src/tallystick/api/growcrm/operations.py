"""The table of the Grow CRM-compatible API: every operation, once."""

from __future__ import annotations

from typing import Final

from tallystick.api.growcrm import (
    categories,
    clients,
    expenses,
    invoices,
    payments,
    projects,
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
    *categories.OPERATIONS,
    *projects.OPERATIONS,
    *invoices.OPERATIONS,
    *payments.OPERATIONS,
    *expenses.OPERATIONS,
)
