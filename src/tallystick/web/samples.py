"""Believable examples for the reference: what a studio would send, and an answer of the shape a schema describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Samples(NamedTuple):
    """The examples of one API."""

    bodies: Mapping[str, Mapping[str, Any]]
    """Operation → a body for it."""
    queries: Mapping[str, str]
    """Operation → a query for it."""
    values: Mapping[str, Any]
    """Field, with or without what it is part of → its value."""


CLIENT: Final = "019a3f51-7c10-7d02-8b1e-5f0c3a9d2e11"
PROJECT: Final = "019a3f52-0b44-7a5e-9c37-d1e2f3a4b5c6"
TASK: Final = "019a3f52-9e01-7c88-a1b2-7788990a0b0c"
PERSON: Final = "019a3f4e-2d7f-7b10-8a55-0c1d2e3f4a5b"
INVOICE: Final = "019a3f60-4c2a-7e91-b3c4-a5b6c7d8e9f0"
ENTRY: Final = "019a3f55-61aa-7f03-84d5-112233445566"
PAYMENT: Final = "019a3f66-80d1-7b42-9e6f-998877665544"
ORGANIZATION: Final = "019a3f4d-11c0-7a2b-8c3d-4e5f60718293"
TAX_RATE: Final = "019a3f5e-7b21-7d83-a945-6e7f8091a2b3"
APP: Final = "019a3f70-5a1b-7c34-9d20-3c4d5e6f7081"
LINE: Final = "019a3f61-0d3b-7a15-8e7f-203142536475"
EXPENSE: Final = "019a3f57-33bb-7c04-85e6-665544332211"
WEEK: Final = "019a3f58-4c1d-7b25-96a7-8899aabbccdd"
OTHER: Final = "019a3f7c-2e4d-7f56-a142-5e6f708192a3"
"""The id of whatever has none of its own here."""

BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "createClient": {"name": "Globex", "email": "billing@globex.example", "currency": "EUR", "defaultRate": "90.00"},
    "updateClient": {"defaultPaymentTerms": "Net 30", "billingCity": "Bergen"},
    "createProject": {"clientId": CLIENT, "name": "Website redesign", "hourlyRate": "95.00"},
    "updateProject": {"budgetHours": "120", "dueDate": "2026-09-30"},
    "createTask": {"projectId": PROJECT, "name": "Homepage layout", "assigneeIds": [PERSON], "priority": "HIGH"},
    "updateTask": {"status": "DONE"},
    "createTimeEntry": {
        "projectId": PROJECT, "entryDate": "2026-06-11", "duration": "1h30m", "note": "Homepage layout",
    },
    "updateTimeEntry": {"durationSeconds": 7200, "note": "Homepage layout, with the team"},
    "startTimer": {"projectId": PROJECT, "note": "Homepage layout"},
    "createExpense": {
        "clientId": CLIENT, "description": "Train to the workshop", "category": "TRAVEL", "amount": "84.50",
        "expenseDate": "2026-06-12",
    },
    "updateExpense": {"amount": "79.90"},
    "createInvoice": {
        "clientId": CLIENT, "from": "2026-06-01", "to": "2026-06-30", "grouping": "PROJECT_TASK",
        "includeExpenses": True, "taxRate": "19",
    },
    "updateInvoice": {"discount": {"percent": "5"}, "dueDate": "2026-07-31"},
    "updateInvoiceLine": {"heading": "Design", "discount": {"percent": "5"}, "taxRateId": TAX_RATE},
    "createTaxRate": {"name": "Reduced", "percent": "7"},
    "updateTaxRate": {"isDefault": True},
    "createInvoicePayment": {"amount": "642.60", "paidOn": "2026-07-14", "note": "Bank transfer"},
    "createOauthApp": {"name": "Charts", "redirectUris": ["https://charts.example/callback"]},
    "updateOrganization": {"legalName": "Studio North AS", "iban": "NO93 8601 1117 947", "brandColor": "#0f5c4a"},
    "createRate": {"clientId": CLIENT, "amount": "95.00", "effectiveFrom": "2026-07-01"},
    "previewRate": {"clientId": CLIENT, "amount": "95.00", "effectiveFrom": "2026-07-01"},
    "applyRate": {"clientId": CLIENT, "amount": "95.00", "effectiveFrom": "2026-07-01", "reRate": True},
    "createMilestone": {"projectId": PROJECT, "title": "Launch", "amount": "4000.00"},
    "updateMilestone": {"title": "Launch day"},
    "reachMilestone": {"reachedOn": "2026-06-30"},
    "writeOffTimeEntry": {"reason": "Our own mistake"},
    "writeOffTimeEntries": {"entryIds": [ENTRY], "reason": "Our own mistake"},
    "undoTimeEntriesWriteOff": {"entryIds": [ENTRY]},
    "writeOffExpense": {"reason": "A present"},
    "writeOffExpenses": {"expenseIds": [EXPENSE], "reason": "A present"},
    "undoExpensesWriteOff": {"expenseIds": [EXPENSE]},
    "sendInvoice": {"to": ["billing@globex.example"], "message": "With thanks for a good June."},
    "remindOfInvoice": {"to": ["billing@globex.example"]},
    "setInvoiceReminders": {"enabled": False},
    "setClientReminders": {"enabled": False},
    "setMailTemplate": {
        "kind": "reminder", "language": "en", "subject": "Invoice {{number}} is due",
        "body": "You find it at {{link}}.",
    },
    "updateMailSettings": {
        "host": "smtp.studio.example", "port": 587, "user": "billing", "password": "correct horse",
        "fromAddress": "billing@studio.example",
    },
    "updateMember": {"weeklyCapacityHours": "32"},
    "sendPortalLink": {"email": "billing@globex.example"},
    "inviteMember": {"email": "lin@studio.example", "role": "MEMBER"},
    "creditInvoice": {"reason": "Two hours too many", "lines": [{"lineId": LINE, "amount": "180.00"}]},
    "refundInvoicePayment": {"amount": "100.00", "refundedOn": "2026-07-20"},
    "writeInvoiceOff": {"reason": "Insolvent"},
    "applyClientCredit": {"amount": "50.00"},
    "updateInvoiceSeries": {"prefix": "{{yyyy}}-", "digits": 4, "yearlyReset": True},
    "updateCreditNoteSeries": {"next": 12},
    "createRecurringInvoice": {
        "clientId": CLIENT, "name": "Care", "rule": "FREQ=MONTHLY;BYMONTHDAY=-1", "startDate": "2026-06-30",
        "lines": [{"description": "Care of the website", "quantity": "1", "rate": "250.00", "projectId": PROJECT}],
    },
    "updateRecurringInvoice": {"name": "Care and hosting"},
    "putAutomaticBilling": {"every": "MONTH", "mode": "DRAFT"},
    "pinWork": {"position": 1},
    "createReportView": {"name": "Last month", "report": "time", "query": "group=project"},
    "updateReportView": {"shared": True},
    "updateNotificationSettings": {"kind": "timer_forgotten", "byMail": False},
    "submitWeek": {"firstDay": "2026-06-08"},
    "approveWeeks": {"weekIds": [WEEK]},
    "returnWeek": {"reason": "Friday is missing"},
    "reopenWeek": {"reason": "Friday was a holiday"},
    "createWebhookEndpoint": {"url": "https://ledger.example/hooks", "events": ["invoice.*", "client.created"]},
    "updateWebhookEndpoint": {"status": "disabled"},
    "replayWebhookRange": {"from": "2026-06-11T00:00:00Z", "to": "2026-06-12T00:00:00Z", "onlyUndelivered": True},
    "updateCardSettings": {"method": "BOTH", "feePercent": "2.5"},
    "setClientPaymentMethod": {"method": "BANK"},
    "setInvoicePaymentMethod": {"method": "CARD"},
}  # fmt: skip

FILES: Final[Mapping[str, tuple[str, str]]] = {
    "setLogo": ("image/svg+xml", "logo.svg"),
    "addReceipt": ("application/pdf", "ticket.pdf"),
}
"""Operations whose body is a file → its media type and its name."""

QUERIES: Final[Mapping[str, str]] = {
    "listClients": "search=globex&sort=name",
    "listProjects": "status=active&sort=dueDate",
    "listTasks": "status=todo&priority=high",
    "listTimeEntrys": f"projectId={PROJECT}&entryDateFrom=2026-06-01&entryDateTo=2026-06-30&sort=-entryDate",
    "listExpenses": "category=travel&amountMin=50.00",
    "listInvoices": "status=sent&sort=-issueDate",
    "listMembers": "role=member",
}

_IDS: Final[Mapping[str, str]] = {
    "orgId": ORGANIZATION, "clientId": CLIENT, "projectId": PROJECT, "taskId": TASK,
    "userId": PERSON, "invoiceId": INVOICE, "paymentId": PAYMENT, "entryIds": ENTRY, "assigneeIds": PERSON,
    "projectIds": PROJECT, "expenseIds": EXPENSE, "lineId": LINE, "entryId": ENTRY,
    "Client": CLIENT, "Project": PROJECT, "Task": TASK, "TimeEntry": ENTRY, "Invoice": INVOICE, "Draft": INVOICE,
    "Payment": PAYMENT, "Organization": ORGANIZATION, "TaxRate": TAX_RATE,
    "Expense": EXPENSE, "Member": "019a3f4e-2d80-7c20-9b66-1d2e3f4a5b6c",
    "Line": LINE,
    "OAuthApp": APP, "appId": APP, "OAuthGrant": "019a3f71-6c2d-7e45-8f31-4d5e6f708192",
    "organization_id": ORGANIZATION, "user_id": PERSON, "Worker": PERSON, "project_id": PROJECT,
    "customer_id": CLIENT, "Customer": CLIENT, "ListedTimeEntry": ENTRY,
    "RecurringInvoice": OTHER, "MemberUser": PERSON, "Week": WEEK, "weekIds": WEEK, "submittedBy": PERSON,
}  # fmt: skip

_VALUES: Final[Mapping[str, Any]] = {
    "Client.name": "Globex", "Project.name": "Website redesign", "Task.name": "Homepage layout",
    "Member.name": "Ada Berg", "Organization.name": "Studio North", "orgName": "Studio North", "plan": "agency",
    "tokenName": "reporting", "scopes": ["read", "write"], "role": "MANAGER",
    "email": "billing@globex.example", "Member.email": "ada@studio.example", "contactName": "Mona Lund",
    "currency": "EUR", "defaultCurrency": "EUR", "invoicePrefix": "INV-", "legalName": "Studio North AS",
    "defaultRate": "90.00", "hourlyRate": "95.00", "billingCity": "Bergen", "billingCountry": "NO",
    "status": "ACTIVE", "Task.status": "IN_PROGRESS", "Invoice.status": "SENT", "Draft.status": "DRAFT",
    "rateType": "HOURLY", "priority": "HIGH", "paymentStatus": "unpaid", "category": "TRAVEL", "kind": "TIME",
    "estimatedHours": "12.00", "tags": ["design"], "billable": True, "requirePoNumber": False,
    "durationSeconds": 5400, "note": "Homepage layout", "entryDate": "2026-06-11",
    "startedAt": None, "stoppedAt": None, "deletedAt": None, "TimeEntry.invoiceId": None, "Expense.invoiceId": None,
    "Draft.sentAt": None, "paidAt": None, "Draft.dueDate": None,
    "Expense.description": "Train to the workshop", "Expense.amount": "84.50", "expenseDate": "2026-06-12",
    "Invoice.number": "INV-0001", "Draft.number": "DRAFT-7A1C09E2", "subtotal": "540.00", "discountAmount": "0.00",
    "taxRate": "19.00", "taxAmount": "102.60", "total": "642.60", "amountPaid": "0.00",
    "amountCredited": "0.00", "amountRefunded": "0.00", "amountWrittenOff": "0.00", "billToName": "Globex",
    "issueDate": "2026-07-01", "dueDate": "2026-07-15", "sentAt": "2026-07-01T07:30:00Z",
    "Line.description": "Website redesign · Homepage layout", "Line.quantity": "6.00", "Line.unit": "h",
    "Line.rate": "90.00", "Line.total": "540.00", "Line.taskId": None, "Payment.amount": "642.60",
    "paidOn": "2026-07-14", "Payment.note": "Bank transfer", "limit": 50, "nextCursor": None, "warnings": [],
    "taxCategory": "STANDARD", "defaultTaxCategory": "STANDARD", "defaultTaxRate": "19.00", "defaultTaxReason": None,
    "pricesIncludeTax": False, "discountPercent": None, "grossDiscount": None, "grossTotal": None, "taxReason": None,
    "taxRateId": TAX_RATE, "heading": "Design", "Tax.category": "STANDARD", "Tax.rate": "19.00", "Tax.reason": None,
    "Tax.reasonCode": None, "Tax.subtotal": "540.00", "Tax.discount": "0.00", "Tax.basis": "540.00",
    "Tax.amount": "102.60", "amount": "540.00", "Fees.agreed": "540.00", "Fees.billed": "540.00",
    "Fees.unbilled": "0.00",
    "TaxRate.name": "Reduced", "TaxRate.category": "STANDARD", "TaxRate.percent": "7.00",
    "TaxRate.reason": None, "TaxRate.number": 2, "isDefault": False, "archived": False,
    "taxLabel": None, "Client.defaultTaxCategory": None, "Client.pricesIncludeTax": None,
    "Step.what": "tax", "Step.text": "19 % of 540.00, rounded once", "Step.value": "102.60", "Step.unit": "EUR",
    "Step.resource": None, "Step.resourceId": None,
    "Step.steps": [
        {
            "what": "basis", "text": "lines 540.00 − discount 0.00", "value": "540.00", "unit": "EUR", "resource": None,
            "resourceId": None, "steps": [],
        }
    ],
    "Line.expenseIds": [], "createdAt": "2026-06-11T09:30:00Z", "updatedAt": "2026-06-11T09:30:00Z",
    "WebhookEndpoint.url": "https://ledger.example/hooks/tallystick", "WebhookSecret.url": "https://ledger.example/hooks/tallystick",
    "WebhookEndpoint.status": "enabled", "WebhookSecret.status": "enabled", "events": ["invoice.*", "client.created"],
    "disabledReason": None, "secretPrefix": "wsk_Zk8q", "previousSecretUntil": None, "failingSince": None,
    "secret": "wsk_Zk8qW3nB1vT7yR5uC9eX2aL6mP0sD4fGhJkQiOtYbNE", "secretShown": False,
    "WebhookDelivery.type": "invoice.paid", "WebhookDelivery.state": "delivered", "WebhookDelivery.attempts": 1,
    "WebhookDelivery.lastStatus": 200, "WebhookDelivery.nextAttemptAt": None, "WebhookDelivery.lastError": None,
    "WebhookDeliveryDetail.type": "invoice.paid", "WebhookDeliveryDetail.state": "delivered",
    "WebhookDeliveryDetail.attempts": 1, "WebhookDeliveryDetail.lastStatus": 200,
    "WebhookDeliveryDetail.nextAttemptAt": None, "WebhookDeliveryDetail.lastError": None,
    "WebhookDeliveryDetail.body": '{"id":"019a3f80","type":"invoice.paid"}', "WebhookAttempt.answer": "ok",
    "WebhookAttempt.status": 200, "WebhookAttempt.error": None, "milliseconds": 84, "deliveries": 12,
    "OAuthApp.name": "Charts", "appName": "Charts", "redirectUris": ["https://charts.example/callback"],
    "verified": False, "OAuthGrant.scopes": ["entries:read"], "expiresAt": "2026-12-08T09:30:00Z",
    "Export.state": "done", "Export.progress": 100,
    "portalShows": ["invoices", "hours"], "weeklyCapacityHours": "40.00",
    "brandColor": "#0f5c4a", "language": "en", "balance": "642.60",
    "Readiness.ready": False,
    "Problem.rule": "BR-DE-15", "Problem.field": "buyerReference", "Problem.message": "The buyer reference is missing.",
    "Problem.remedy": "Enter the client's Leitweg-ID.", "title": "Launch", "color": "#0f5c4a",
    "File.name": "ticket.pdf", "mediaType": "application/pdf", "size": 48213,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "clientName": "Globex", "projectName": "Website redesign", "oldAmount": "90.00", "newAmount": "95.00",
    "difference": "30.00", "Kept.why": "billed", "to": ["billing@globex.example"], "cc": [],
    "subject": "Invoice INV-0001", "body": "You find it at {{link}}.", "CreditNote.number": "CN-0001",
    "CreditNote.reason": "Two hours too many", "applied": "214.20", "CreditNote.total": "214.20",
    "CreditNoteLine.description": "Website redesign · Homepage layout", "CreditNoteLine.quantity": "1.00",
    "CreditNoteLine.unit": "fixed fee", "CreditNoteLine.rate": "180.00", "CreditNoteLine.total": "180.00",
    "Refund.amount": "100.00", "Series.prefix": "INV-", "digits": 4, "Series.next": 2, "nextNumber": "INV-0002",
    "RecurringInvoice.name": "Care", "rule": "FREQ=MONTHLY;BYMONTHDAY=-1", "timeZone": "Europe/Oslo",
    "RecurringLine.description": "Care of the website", "RecurringLine.quantity": "1.00",
    "RecurringLine.rate": "250.00",
    "grouping": "PROJECT_TASK", "webhookUrl": "https://time.example.com/hooks/stripe/019a3f4d",
    "Checkout.amount": "642.60", "Checkout.url": "https://checkout.stripe.com/c/pay/cs_test_a1b2c3",
    "Change.sequence": 41, "Change.type": "client.updated", "Change.resource": "client", "Change.deleted": False,
    "Change.data": {"id": CLIENT, "name": "Globex"}, "FeedPagination.nextCursor": "41",
    "AuditChange.type": "client.updated", "AuditChange.resource": "client",
    "group": "project", "Revenue.invoiced": "642.60", "Revenue.credited": "0.00", "Revenue.refunded": "0.00",
    "Revenue.net": "642.60", "Revenue.collected": "0.00", "Revenue.outstanding": "642.60",
    "Uninvoiced.time": "540.00", "Uninvoiced.expenses": "84.50", "Uninvoiced.fees": "0.00", "Profit.worth": "540.00",
    "Profit.billed": "540.00", "Profit.unbilled": "0.00", "Profit.writtenOff": "0.00", "Profit.costs": "84.50",
    "Profit.profit": "455.50", "userName": "Ada Berg", "ReportView.name": "Last month", "report": "time",
    "Week.firstDay": "2026-06-08", "Week.status": "SUBMITTED", "Week.durationSeconds": 144000,
    "submittedAt": "2026-06-15T07:30:00Z", "decidedAt": None, "decidedBy": None, "Week.reason": None,
    "Notification.kind": "timer_forgotten", "Notification.path": "/timer", "readAt": None, "ReadAll.read": 3,
    "Notification.facts": {
        "project": "Website redesign", "task": None, "startedAt": "2026-06-11T07:00:00Z", "limitMinutes": 480,
    },
    "NotificationSetting.kind": "timer_forgotten", "inApp": True, "byMail": False,
    "weekStart": "monday", "approveWeeks": True, "lockSubmittedWeeks": True, "billApprovedOnly": False,
    "lockedUntil": "2026-05-31", "lockMonthAfterDays": None,
    "query": "group=project", "AuditEntry.hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}  # fmt: skip

_FORMATS: Final[Mapping[str, str]] = {
    "uuid": OTHER, "date": "2026-07-01", "date-time": "2026-06-11T09:30:00Z",
}  # fmt: skip
_MONEY: Final = "0.00"

NATIVE: Final = Samples(BODIES, QUERIES, _VALUES)

EXPENSICAT: Final = Samples(
    bodies={
        "createTimeEntry": {
            "start_time": "2026-06-15T07:00:00Z", "end_time": "2026-06-15T08:30:00Z",
            "description": "Homepage layout", "project_id": PROJECT,
        },
        "updateTimeEntry": {"end_time": "2026-06-15T09:00:00Z"},
        "createProject": {
            "name": "Website redesign", "customer_id": CLIENT, "hourly_rate": "95.00", "currency": "EUR",
        },
        "updateProject": {"active": False},
        "createCustomer": {"name": "Globex", "email": "billing@globex.example", "country_code": "NO"},
        "updateCustomer": {"contact_person": "Mona Lund", "city": "Bergen"},
        "updateMember": {"role": "admin"},
        "updateCurrentOrganization": {"name": "Studio North"},
        "createRecurringInvoice": {
            "customer_id": CLIENT, "frequency": "monthly", "start_date": "2026-06-30", "auto_send": True,
            "items": [{"name": "Care of the website", "quantity": 1, "price": 250}],
        },
        "updateRecurringInvoice": {"status": "paused"},
    },
    queries={
        "listTimeEntries": "user_id=me&start_date=2026-06-01&end_date=2026-06-30",
        "listProjects": "q=website",
        "listCustomers": "q=globex",
        "listMembers": "role=member",
        "getProfitLoss": "start_date=2026-01-01&end_date=2026-12-31",
    },
    values={
        "Customer.name": "Globex", "Project.name": "Website redesign", "Organization.name": "Studio North",
        "full_name": "Ada Berg", "email": "ada@studio.example", "Customer.email": "billing@globex.example",
        "project": {
            "id": PROJECT, "name": "Website redesign", "customer_id": CLIENT, "hourly_rate": 95.00, "currency": "EUR",
            "customer": {"id": CLIENT, "name": "Globex"},
        },
        "customer": {"id": CLIENT, "name": "Globex", "email": "billing@globex.example"},
        "contact_person": "Mona Lund", "city": "Bergen", "country": "Norway", "country_code": "NO",
        "hourly_rate": "95.00", "currency": "EUR", "base_currency": "EUR",
        "start_time": "2026-06-15T07:00:00Z", "end_time": "2026-06-15T08:30:00Z", "duration": 5400,
        "description": "Homepage layout", "billable": True, "active": True, "role": "admin", "slug": "studio-north",
        "created_at": "2026-06-15T08:30:00Z", "updated_at": "2026-06-15T08:30:00Z", "count": 1, "next_cursor": None,
        "period": "2026-06-01", "total_revenue": 5400.00, "total_expenses": 84.50, "net_profit_loss": 5315.50,
        "total_outstanding": 642.60, "invoice_count": 1, "current_amount": 642.60, "overdue_0_to_30": 0,
        "overdue_31_to_60": 0, "overdue_60_plus": 0, "expected_14_days": 642.60, "expected_30_days": 642.60,
        "expected_60_days": 642.60, "frequency": "monthly", "auto_send": True, "Item.name": "Care of the website",
        "items": [{"name": "Care of the website", "description": None, "quantity": 1, "price": 250}],
    },
)  # fmt: skip

GROWCRM: Final = Samples(
    bodies={
        "createTimesheet": {
            "task_id": 43, "user_id": 5, "hours": 1, "minutes": 30, "timer_created": "2026-06-20",
        },
        "updateTimesheet": {"hours": 2, "minutes": 0},
        "createTask": {
            "task_projectid": 44, "task_title": "Homepage layout", "task_status": 1, "task_priority": 2,
            "task_date_due": "2026-07-15", "task_billable": "on",
        },
        "updateTask": {"task_title": "Homepage layout", "task_status": 2, "task_priority": 3},
        "cloneTask": {
            "task_title": "Homepage layout, again", "task_status": 1, "project_id": 44, "task_milestoneid": 12,
        },
        "setTaskStatus": {"status": 2},
        "setTaskAssigned": {"assigned": [5, 8]},
        "setTaskTags": {"tags": ["design", "urgent"]},
        "createTaskComment": {"comment": "The client likes the second draft."},
        "createTeamMember": {
            "first_name": "Ada", "last_name": "Berg", "email": "ada@studio.example", "role_id": 3,
        },
        "updateTeamMember": {"first_name": "Ada", "last_name": "Berg", "email": "ada@studio.example"},
        "createClient": {
            "first_name": "Mona", "last_name": "Lund", "email": "mona@globex.example",
            "client_company_name": "Globex", "client_billing_city": "Bergen", "client_billing_country": "NO",
        },
        "updateClient": {"client_company_name": "Globex", "client_vat": "NO 999 888 777"},
        "setClientTags": {"tags": ["retainer"]},
        "setClientStatus": {"status": "suspended"},
        "setClientOwner": {"owner": 31},
        "createContact": {
            "first_name": "Mona", "last_name": "Lund", "email": "mona@globex.example", "clientid": 20,
        },
        "updateContact": {"first_name": "Mona", "last_name": "Lund", "email": "mona@globex.example"},
        "createCategory": {"category_name": "Retainers", "category_type": "project"},
        "updateCategory": {"category_name": "Retainers"},
        "setCategoryTeam": {"users": [5, 8]},
        "migrateCategory": {"target_id": 1},
        "createProject": {
            "project_clientid": 20, "project_title": "Website redesign", "project_date_start": "2026-06-15",
            "project_categoryid": 1, "project_billing_type": "hourly", "project_billing_rate": "95.00",
        },
        "updateProject": {
            "project_title": "Website redesign", "project_date_start": "2026-06-15", "project_categoryid": 1,
        },
        "assignProject": {"assigned": [5, 8]},
        "setProjectManager": {"manager": 5},
        "setProjectStatus": {"status": "in_progress"},
        "setProjectProgress": {"progress": 40},
        "setProjectTags": {"tags": ["design"]},
        "cloneProject": {"project_title": "Website redesign, again", "copy_milestones": "on", "copy_tasks": "on"},
        "createMilestone": {
            "milestone_projectid": 44, "milestone_title": "Launch", "milestone_color": "success",
        },
        "setMilestonePositions": {"milestones": [12, 14, 13]},
        "updateMilestone": {"milestone_title": "Launch", "milestone_color": "success"},
        "deleteMilestone": {"delete_tasks": "yes"},
        "createChecklist": {
            "checklistresource_type": "task", "checklistresource_id": 43, "checklist_text": "Proofread",
        },
        "setChecklistPositions": {"checklist_ids": [9, 7, 8]},
        "updateChecklist": {"checklist_text": "Proofread"},
        "setChecklistStatus": {"status": "completed"},
        "createChecklistComment": {"comment": "The client likes the second draft."},
        "createNote": {
            "note_title": "Call", "note_description": "Mona is in on Mondays", "noteresource_type": "client",
            "noteresource_id": 20,
        },
        "updateNote": {"note_title": "Call", "note_description": "Mona is in on Mondays"},
        "setNoteTags": {"tags": ["phone"]},
        "createInvoice": {
            "bill_clientid": 20, "bill_categoryid": 3, "bill_date": "2026-07-01", "bill_due_date": "2026-07-15",
        },
        "updateInvoice": {"bill_categoryid": 3, "bill_date": "2026-07-01", "bill_notes": "With thanks"},
        "setInvoiceItems": {"items": [{"description": "Homepage layout", "quantity": "6", "rate": "90.00"}]},
        "setInvoiceStatus": {"status": 2},
        "setInvoiceTags": {"tags": ["june"]},
        "cloneInvoice": {"bill_clientid": 20, "bill_date": "2026-08-01", "bill_due_date": "2026-08-15"},
        "createPayment": {"payment_invoiceid": 71, "payment_amount": "642.60", "payment_date": "2026-07-14"},
        "updatePayment": {"payment_amount": "642.60", "payment_date": "2026-07-14"},
        "setPaymentTags": {"tags": ["bank"]},
        "refundPayment": {"refund_date": "2026-07-20", "refund_notes": "Paid twice"},
        "createRefund": {"refund_paymentid": 15, "refund_date": "2026-07-20", "refund_notes": "Paid twice"},
        "updateRefund": {"refund_date": "2026-07-21"},
        "setRefundTags": {"tags": ["bank"]},
        "createExpense": {
            "expense_description": "Train to the workshop", "expense_date": "2026-06-12", "expense_amount": "84.50",
            "expense_categoryid": 4, "expense_projectid": 44, "expense_billable": "yes",
        },
        "updateExpense": {
            "expense_description": "Train to the workshop", "expense_date": "2026-06-12", "expense_amount": "79.90",
            "expense_categoryid": 4,
        },
        "setExpenseTags": {"tags": ["travel"]},
        "attachExpense": {"expense_projectid": 44, "expense_clientid": 20},
        "cloneExpense": {"expense_date": "2026-07-12"},
    },
    queries={
        "listTimesheets": "project_id=44&date_start=2026-06-01&date_end=2026-06-30",
        "listTasks": "project_id=44&status=2&sort=task_date_due&order=asc",
        "listTeam": "status=active",
    },
    values={
        "Timesheet.id": 27, "task_id": 43, "project_id": 44, "client_id": 20, "worked_by_id": 5, "recorded_by_id": 1,
        "time_seconds": 5400, "time_readable": "1h 30m", "Timesheet.status": "stopped", "invoice_id": None,
        "started": None, "stopped": None, "message": "Done successfully.", "current_page": 1, "per_page": 25,
        ".total": 1, "last_page": 1,
        "Timesheet.dates": {"created": "2026-06-20", "started": None, "stopped": None},
        "Task.dates": {
            "start": None, "due": "2026-07-15", "created": "2026-06-20T09:30:00.000000Z",
            "updated": "2026-06-20T09:30:00.000000Z",
        },
        "TeamMember.dates": {"created": "2026-06-20T09:30:00.000000Z", "updated": "2026-06-20T09:30:00.000000Z"},
        "Task.id": 43, "Task.title": "Homepage layout", "time_logged": 5400, "tags": ["design"],
        "Task.status": {"id": 2, "title": "In progress", "color": "info"},
        "Task.priority": {"id": 2, "title": "Normal", "color": "default"},
        "Task.project": {"id": 44, "title": "Website redesign"}, "Task.client": {"id": 20, "name": "Globex"},
        "milestone": {"id": 12, "name": "Uncategorised"}, "assigned": [{"id": 5, "name": "Ada Berg"}],
        "user": {"id": 5, "name": "Ada Berg"}, "creator": {"id": 5, "name": "Ada Berg"},
        "text": "The client likes the second draft.", "Timer.id": 27, "time": 5400, "Comment.id": 3,
        "TeamMember.id": 5, "first_name": "Ada", "last_name": "Berg", "TeamMember.name": "Ada Berg",
        "email": "ada@studio.example", "TeamMember.role": {"id": 3, "name": "Staff"}, "Id.id": 27,
        "Stamps.created": "2026-06-20T09:30:00.000000Z", "Stamps.updated": "2026-06-20T09:30:00.000000Z",
        "Booked.date": "2026-06-20", "Booked.created": "2026-06-20T09:30:00.000000Z",
        "category": {"id": 1, "name": "Default"}, "creator_id": 1, "color": "success",
        "Client.id": 20, "company_name": "Globex", "Client.owner": {"id": 31, "name": "Mona Lund"},
        "invoice_due_days": "14", "Contact.id": 31, "Contact.first_name": "Mona", "Contact.last_name": "Lund",
        "Contact.name": "Mona Lund", "Contact.email": "mona@globex.example", "account_owner": "yes",
        "Contact.client": {"id": 20, "company_name": "Globex"}, "Contact.role": {"id": 2, "name": "Client"},
        "Category.id": 5, "Category.name": "Retainers", "Category.type": "project", "slug": "5-retainers",
        "Project.id": 44, "Project.title": "Website redesign", "Project.status": "in_progress", "progress": 40,
        "Project.dates": {
            "start": "2026-06-15", "due": None, "created": "2026-06-15T09:30:00.000000Z",
            "updated": "2026-06-20T09:30:00.000000Z",
        },
        "Project.client": {"id": 20, "name": "Globex"}, "managers": [{"id": 5, "name": "Ada Berg"}],
        "Project.billing": {
            "type": "hourly", "rate": "95.00", "estimated_hours": 120, "costs_estimate": "0.00",
        },
        "Milestone.id": 12, "Milestone.title": "Launch", "position": 1, "tasks_count": 3,
        "Checklist.id": 9, "Checklist.text": "Proofread", "Checklist.status": "pending",
        "Checklist.resource": {"type": "task", "id": 43}, "Note.id": 6, "Note.title": "Call",
        "Note.description": "Mona is in on Mondays", "Note.visibility": "public",
        "Note.resource": {"type": "client", "id": 20}, "Invoice.id": 71, "formatted_id": "INV-0001",
        "Invoice.status": {"id": 2, "title": "Due", "color": "warning"}, "Invoice.client": {"id": 20, "name": "Globex"},
        "Invoice.category": {"id": 3, "name": "Default"},
        "Invoice.dates": {"date": "2026-07-01", "due_date": "2026-07-15", "created": "2026-07-01T07:30:00.000000Z"},
        "Invoice.totals": {
            "subtotal": "540.00", "subtotal_before_discount": "540.00", "discount_type": "none",
            "discount_percentage": "0.00", "discount_amount": "0.00", "amount_before_tax": "540.00",
            "tax_total_percentage": "19.00", "tax_total_amount": "102.60", "adjustment_description": None,
            "adjustment_amount": "0.00", "final_amount": "642.60",
        },
        "line_items": [{
            "id": 90, "description": "Homepage layout", "unit": "h", "quantity": "6.00", "rate": "90.00",
            "total": "540.00", "type": "plain", "tax_status": "yes",
            "discount": {"type": "none", "value": "0.00", "amount": "0.00"},
        }],
        "taxes": [{"name": "Tax", "rate": "19.00", "lineitem_id": None}],
        "Payment.id": 15, "amount": "642.60", "date": "2026-07-14", "gateway": "bank",
        "Payment.refund": {"has_refund": "no", "id": None, "amount": None, "date": None, "notes": None},
        "Refund.id": 13, "Refund.formatted_id": "#000013", "Refund.date": "2026-07-20", "Refund.notes": "Paid twice",
        "Refund.payment": {"id": 15}, "Refund.invoice_id": 71, "Refund.client": {"id": 20, "name": "Globex"},
        "Refund.dates": {"date": "2026-07-20", "created": "2026-07-20T09:30:00.000000Z"},
        "Payment.invoice": {"id": 71, "formatted_id": "INV-0001"}, "Payment.client": {"id": 20, "name": "Globex"},
        "ExpenseOut.id": 33, "ExpenseOut.description": "Train to the workshop", "ExpenseOut.amount": "84.50",
        "ExpenseOut.date": "2026-06-12", "ExpenseOut.category": {"id": 4, "name": "Default"},
        "ExpenseOut.client": {"id": 20, "name": "Globex"}, "billing_status": "not_invoiced", "attachments": [],
    },
)  # fmt: skip


def sample(
    schema: Mapping[str, Any], schemas: Mapping[str, Any], values: Mapping[str, Any], *, of: str = "", name: str = ""
) -> Any:
    """A value of this shape. `of` is what it is part of (`Client`), `name` the field."""
    for known in (f"{of}.{name}", name):
        if known in values and values[known] in schema.get("enum", [values[known]]):
            return values[known]
    if "$ref" in schema:
        called = str(schema["$ref"]).rpartition("/")[2]
        return sample(schemas[called], schemas, values, of=called.removesuffix("Json"), name="")
    if "anyOf" in schema:
        parts = [part for part in schema["anyOf"] if part.get("type") != "null"]
        # What may be null is null, unless we know better.
        nullable = len(parts) < len(schema["anyOf"]) and name and name not in _IDS
        return None if nullable else sample(parts[0], schemas, values, of=of, name=name)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {
            key: sample(part, schemas, values, of=of, name=key) for key, part in schema.get("properties", {}).items()
        }
    if kind == "array":
        return [sample(schema.get("items", {}), schemas, values, of=of, name=name)]
    if kind == "string":
        usual = _MONEY if schema.get("x-money") else _FORMATS.get(str(schema.get("format")), "…")
        return _IDS.get(of if name == "id" else name, usual)
    return {"integer": 0, "number": 0, "boolean": True}.get(str(kind))
