"""The table of the Expensicat-compatible API: every operation, once."""

from __future__ import annotations

from typing import Final

from tallystick.api.expensicat import (
    customers,
    members,
    metrics,
    organization,
    projects,
    recurring_invoices,
    time_entries,
)
from tallystick.api.wire import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *time_entries.OPERATIONS,
    *projects.OPERATIONS,
    *customers.OPERATIONS,
    *members.OPERATIONS,
    *organization.OPERATIONS,
    *metrics.OPERATIONS,
    *recurring_invoices.OPERATIONS,
)

SCOPES: Final = tuple(sorted({operation.scope for operation in OPERATIONS}))
"""Every scope that reaches something here."""
