"""A body with which each operation succeeds, and which noun each number of a request means."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.growcrm.world import number
from tests.matrix.world import World


class N(NamedTuple):
    """The number of a noun of the furnished world."""

    noun: str


BODIES: dict[str, dict[str, Any]] = {
    "createTimesheet": {
        "task_id": N("task"), "user_id": N("user"), "hours": 1, "minutes": 30, "timer_created": "2026-06-20",
    },
    "updateTimesheet": {"hours": 2, "minutes": 0},
    "createTask": {
        "task_projectid": N("project"), "task_title": "Copy", "task_status": N("status"),
        "task_priority": N("priority"), "task_milestoneid": N("milestone"),
    },
    "updateTask": {
        "task_title": "Copy", "task_status": N("status"), "task_priority": N("priority"),
        "task_milestoneid": N("milestone"),
    },
    "setTaskStatus": {"status": N("status")},
    "setTaskAssigned": {"assigned": [N("user")]},
    "setTaskTags": {"tags": ["design"]},
    "cloneTask": {
        "task_title": "Again", "task_status": N("status"), "project_id": N("project"),
        "task_milestoneid": N("milestone"),
    },
    "createTaskComment": {"comment": "As agreed"},
    "createTeamMember": {"first_name": "Ada", "last_name": "Berg", "email": "ada@new.example", "role_id": 3},
    "updateTeamMember": {"first_name": "Ada", "last_name": "Berg", "email": "ada@new.example"},
    "createClient": {
        "first_name": "Mona", "last_name": "Lund", "email": "mona@new.example", "client_company_name": "Umbrella",
        "client_categoryid": N("category.client"),
    },
    "updateClient": {"client_company_name": "Umbrella", "client_categoryid": N("category.client")},
    "setClientTags": {"tags": ["design"]},
    "setClientStatus": {"status": "suspended"},
    "setClientOwner": {"owner": N("contact.second")},
    "createContact": {
        "first_name": "Mona", "last_name": "Lund", "email": "mona@new.example", "clientid": N("client"),
    },
    "updateContact": {"first_name": "Mona", "last_name": "Lund", "email": "mona@new.example"},
    "createCategory": {"category_name": "Retainers", "category_type": "project"},
    "updateCategory": {"category_name": "Retainers"},
    "setCategoryTeam": {"users": [N("user")]},
    "migrateCategory": {"target_id": 1},
    "createProject": {
        "project_clientid": N("client"), "project_title": "Relaunch", "project_date_start": "2026-06-20",
        "project_categoryid": N("category.project"), "project_creatorid": N("user"),
    },
    "updateProject": {
        "project_title": "Relaunch", "project_date_start": "2026-06-20", "project_categoryid": N("category.project"),
        "project_creatorid": N("user"),
    },
    "assignProject": {"assigned": [N("user")]},
    "setProjectManager": {"manager": N("user")},
    "setProjectStatus": {"status": "on_hold"},
    "setProjectProgress": {"progress": 40},
    "setProjectTags": {"tags": ["design"]},
    "cloneProject": {
        "project_title": "Again", "project_clientid": N("client"), "project_categoryid": N("category.project"),
    },
    "createMilestone": {
        "milestone_projectid": N("project"), "milestone_title": "Handover", "milestone_color": "success",
    },
    "setMilestonePositions": {"milestones": [N("milestone")]},
    "updateMilestone": {"milestone_title": "Handover", "milestone_color": "success"},
    "deleteMilestone": {"delete_tasks": "yes"},
    "createChecklist": {
        "checklistresource_type": "task", "checklistresource_id": N("task"), "checklist_text": "Proofread",
    },
    "setChecklistPositions": {"checklist_ids": [N("checklist")]},
    "updateChecklist": {"checklist_text": "Proofread"},
    "setChecklistStatus": {"status": "completed"},
    "createChecklistComment": {"comment": "As agreed"},
    "createNote": {
        "note_title": "Call", "note_description": "On Monday", "noteresource_type": "project",
        "noteresource_id": N("project"),
    },
    "updateNote": {"note_title": "Call", "note_description": "On Monday"},
    "setNoteTags": {"tags": ["design"]},
    "createInvoice": {
        "bill_clientid": N("client"), "bill_categoryid": N("category.invoice"), "bill_date": "2026-06-20",
        "bill_projectid": N("project"),
    },
    "updateInvoice": {
        "bill_categoryid": N("category.invoice"), "bill_date": "2026-06-20", "bill_projectid": N("project"),
    },
    "setInvoiceItems": {"items": [{"description": "Concept", "quantity": "1", "rate": "90.00", "unit": "h"}]},
    "setInvoiceStatus": {"status": 2},
    "setInvoiceTags": {"tags": ["design"]},
    "cloneInvoice": {
        "bill_clientid": N("client"), "bill_date": "2026-06-20", "bill_due_date": "2026-07-20",
        "bill_projectid": N("project"),
    },
    "createPayment": {
        "payment_invoiceid": N("invoice.sent"), "payment_amount": "1.00", "payment_date": "2026-06-12",
    },
    "updatePayment": {"payment_amount": "41.19", "payment_date": "2026-06-12"},
    "setPaymentTags": {"tags": ["design"]},
    "refundPayment": {"refund_date": "2026-06-13", "refund_notes": "As agreed"},
    "createRefund": {"refund_paymentid": N("payment"), "refund_date": "2026-06-13"},
    "updateRefund": {"refund_date": "2026-06-13"},
    "setRefundTags": {"tags": ["design"]},
    "createExpense": {
        "expense_description": "Train", "expense_date": "2026-06-20", "expense_amount": "12.50",
        "expense_categoryid": N("category.expense"), "expense_projectid": N("project"),
        "expense_clientid": N("client"),
    },
    "updateExpense": {
        "expense_description": "Train", "expense_date": "2026-06-20", "expense_amount": "12.50",
        "expense_categoryid": N("category.expense"), "expense_projectid": N("project"),
        "expense_clientid": N("client"),
    },
    "setExpenseTags": {"tags": ["design"]},
    "attachExpense": {"expense_projectid": N("project"), "expense_clientid": N("client")},
    "cloneExpense": {
        "expense_date": "2026-06-20", "expense_categoryid": N("category.expense"), "expense_projectid": N("project"),
        "expense_clientid": N("client"),
    },
}  # fmt: skip

QUERIES: dict[str, dict[str, Any]] = {
    "listMilestones": {"project_id": N("project")},
    "listChecklists": {"resource_type": "task", "resource_id": N("task")},
    "listNotes": {"resource_type": "project", "resource_id": N("project")},
}
"""Operation → a query with which it is tried."""

PATHS = {
    "timesheets": "entry", "tasks": "task", "team": "user", "comments": "comment", "clients": "client",
    "contacts": "contact.second", "categories": "category", "projects": "project", "milestones": "milestone",
    "checklists": "checklist", "notes": "note", "invoices": "invoice.draft", "payments": "payment",
    "expenses": "expense", "refunds": "refund",
}  # fmt: skip
"""A part of a path → the noun of the number behind it."""

TARGETS: dict[str, str] = {
    "deleteClient": "client.free", "deleteProject": "project.hidden", "emailInvoice": "invoice.paid",
}  # fmt: skip
"""Operation → the noun of its path, where only a special one will do."""

NAMED = {
    "task_id": "task", "project_id": "project", "client_id": "client", "user_id": "user", "milestone_id": "milestone",
    "assigned_user_id": "user", "status": "status", "priority": "priority", "role_id": None,
    "task_projectid": "project", "task_status": "status", "task_priority": "priority", "task_milestoneid": "milestone",
    "assigned": "user", "category_id": "category", "client_categoryid": "category", "owner": "contact",
    "client_billing_invoice_due_days": None, "clientid": "client", "users": "user", "target_id": "category",
    "project_clientid": "client", "project_categoryid": "category", "project_creatorid": "user", "manager": "user",
    "progress": None, "milestone_projectid": "project", "milestones": "milestone", "checklistresource_id": "task",
    "checklist_ids": "checklist", "noteresource_id": "project", "bill_clientid": "client",
    "bill_categoryid": "category", "bill_projectid": "project", "tax_rate_ids": "tax_rate",
    "payment_invoiceid": "invoice", "items": None, "payment_id": "payment", "refund_paymentid": "payment",
    "invoice_id": "invoice", "expense_categoryid": "category", "expense_projectid": "project",
    "expense_clientid": "client", "listChecklists.resource_id": "task", "listNotes.resource_id": "project",
    "listInvoices.status": None, "setInvoiceStatus.status": None, "deleteChecklistComment.comment_id": "remark",
}  # fmt: skip
"""A filter or a field that is a number → the noun it means, for all operations or for one; None: for none."""

COUNTED_APART = frozenset({"user", "status", "priority", "category", "tax_rate"})
"""Nouns that each workspace counts from 1: the number of another one is also a number here."""


def noun_of(operation: str, name: str) -> str | None:
    """What a number of a request means."""
    return NAMED[f"{operation}.{name}"] if f"{operation}.{name}" in NAMED else NAMED[name]


def filled(value: Any, world: World) -> Any:
    """A body with the numbers of a world."""
    if isinstance(value, N):
        return number(world.studio, value.noun, world[value.noun])
    if isinstance(value, dict):
        return {name: filled(part, world) for name, part in value.items()}
    return [filled(part, world) for part in value] if isinstance(value, list) else value
