"""Who may do what: written from the contract (hoursmith 1.12), not from the code; printed as docs/permissions.md."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tallystick.domain.access import ROLES, Role


class Cell(StrEnum):
    """What one role may do with one operation."""

    YES = "yes"
    NO = "no"
    OWN = "their own"
    ON = "on their projects"
    ASSIGNED = "assigned to them"


@dataclass(frozen=True)
class Row:
    """One operation, or one way of calling it."""

    operation: str
    what: str
    owner: Cell
    admin: Cell
    manager: Cell
    member: Cell
    way: str = ""
    """Which request it is, where an operation has several rows."""

    def cell(self, role: Role) -> Cell:
        return {"OWNER": self.owner, "ADMIN": self.admin, "MANAGER": self.manager, "MEMBER": self.member}[role]


YES, NO, OWN, ON, ASSIGNED = Cell.YES, Cell.NO, Cell.OWN, Cell.ON, Cell.ASSIGNED


def _row(operation: str, what: str, manage: Cell, member: Cell, *, manager: Cell | None = None, way: str = "") -> Row:
    return Row(operation, what, manage, manage, manager or manage, member, way)


TABLE = (
    _row("getMe", "Read who the token acts as", YES, YES),
    _row("getOrganization", "Read the workspace's settings", YES, NO),
    _row("updateOrganization", "Change the workspace's settings", YES, NO, manager=NO),
    _row("listChanges", "Follow all changes, of what they may see", YES, YES),
    _row("getChangeDigests", "Sum up the record, of what they may see", YES, YES),
    _row("listAuditLog", "Read the audit log", YES, NO, manager=NO),
    _row("exportAuditLog", "Export the audit log", YES, NO, manager=NO),
    Row("requestExport", "Have everything exported", YES, NO, NO, NO),
    Row("listExports", "List the last exports", YES, NO, NO, NO),
    Row("getExport", "Read how far an export is", YES, NO, NO, NO),
    _row("getLogo", "Read the logo of documents", YES, YES),
    _row("setLogo", "Set the logo of documents", YES, NO, manager=NO),
    _row("deleteLogo", "Delete the logo of documents", YES, NO, manager=NO),
    _row("listMembers", "List members", YES, OWN),
    _row("getMember", "Read a member", YES, OWN),
    _row("updateMember", "Say how much a member works", YES, NO, manager=NO),
    _row("listClients", "List clients", YES, NO),
    _row("createClient", "Create a client", YES, NO),
    _row("getClient", "Read a client", YES, NO),
    _row("updateClient", "Change a client", YES, NO),
    _row("deleteClient", "Delete a client", YES, NO),
    _row("getClientReadiness", "Ask whether a client's e-invoices would conform", YES, NO),
    _row("sendPortalLink", "Mail a client's person a link to the portal", YES, NO),
    _row("listPortalSessions", "Read who at a client looks at the portal", YES, NO),
    _row("endPortalSessions", "End the portal sessions of a client", YES, NO),
    _row("listProjects", "List projects", YES, ON),
    _row("createProject", "Create a project", YES, NO),
    _row("listRates", "List rates that begin on a day", YES, NO),
    _row("createRate", "Let a rate begin on a day", YES, NO),
    _row("previewRate", "See what another rate would do", YES, NO),
    _row("applyRate", "Set a rate for a period", YES, NO),
    _row("getRate", "Read a rate", YES, NO),
    _row("deleteRate", "Take a rate away", YES, NO),
    _row("getProject", "Read a project", YES, ON),
    _row("updateProject", "Change a project", YES, NO),
    _row("archiveProject", "Archive a project", YES, NO),
    _row("deleteProject", "Archive a project (`DELETE`)", YES, NO),
    _row("getProjectNumbers", "See what became of the work on a project", YES, NO),
    _row("listMilestones", "List milestones", YES, ON),
    _row("createMilestone", "Add a milestone", YES, NO),
    _row("getMilestone", "Read a milestone", YES, ON),
    _row("updateMilestone", "Change a milestone", YES, NO),
    _row("deleteMilestone", "Delete a milestone", YES, NO),
    _row("reachMilestone", "Say that a milestone is reached", YES, NO),
    _row("reopenMilestone", "Say that a milestone is not reached", YES, NO),
    _row("listTasks", "List tasks", YES, ON),
    _row("createTask", "Create a task", YES, NO),
    _row("getTask", "Read a task", YES, ON),
    _row("updateTask", "Change a task", YES, ASSIGNED),
    _row("updateTask", "Change who a task is assigned to", YES, NO, way="reassign"),
    _row("archiveTask", "Archive a task", YES, NO),
    _row("deleteTask", "Archive a task (`DELETE`)", YES, NO),
    _row("listTimeEntrys", "List time entries", YES, OWN),
    _row("createTimeEntry", "Log time", YES, ON),
    _row("createTimeEntry", "Log time for somebody else", YES, NO, manager=NO, way="reassign"),
    _row("getRunningTimeEntry", "Read one's running timer", YES, YES),
    _row("startTimer", "Start a timer", YES, ON),
    _row("stopTimer", "Stop one's timer", YES, YES),
    _row("stopTimeEntry", "Stop a timer by its id", YES, OWN),
    _row("getTimeEntry", "Read a time entry", YES, OWN),
    _row("explainTimeEntry", "Read where the figures of a time entry come from", YES, OWN),
    _row("updateTimeEntry", "Correct a time entry", YES, OWN),
    _row("updateTimeEntry", "Give a time entry to somebody else", YES, NO, manager=NO, way="reassign"),
    _row("deleteTimeEntry", "Delete a time entry", YES, OWN),
    _row("listWeeks", "List weeks", YES, OWN),
    _row("getWeek", "Read a week", YES, OWN),
    _row("submitWeek", "Submit a week", YES, YES),
    _row("submitWeek", "Submit somebody else's week", YES, NO, way="reassign"),
    _row("withdrawWeek", "Take a submitted week back", YES, OWN),
    _row("approveWeek", "Approve a week", YES, NO),
    _row("approveWeeks", "Approve several weeks", YES, NO),
    _row("returnWeek", "Return a week", YES, NO),
    _row("reopenWeek", "Open an approved week again", YES, NO),
    _row("listPinnedWork", "List one's pinned work", YES, YES),
    _row("pinWork", "Pin a project or a task", YES, ON),
    _row("unpinWork", "Take a pin away", YES, ON),
    _row("listNotifications", "Read what one was told of", YES, YES),
    _row("readNotification", "Mark a notification as read", OWN, OWN),
    _row("readAllNotifications", "Mark all one's notifications as read", YES, YES),
    _row("listNotificationSettings", "Read how one hears of things", YES, YES),
    _row("updateNotificationSettings", "Choose how one hears of things", YES, YES),
    _row("listExpenses", "List expenses", YES, NO),
    _row("createExpense", "Record an expense", YES, NO),
    _row("getExpense", "Read an expense", YES, NO),
    _row("updateExpense", "Correct an expense", YES, NO),
    _row("deleteExpense", "Delete an expense", YES, NO),
    _row("listReceipts", "List the receipts of an expense", YES, NO),
    _row("addReceipt", "Add a receipt to an expense", YES, NO),
    _row("getReceipt", "Read a receipt", YES, NO),
    _row("deleteReceipt", "Delete a receipt", YES, NO),
    _row("writeOffTimeEntry", "Write time off", YES, NO),
    _row("writeOffTimeEntries", "Write several time entries off", YES, NO),
    _row("undoTimeEntryWriteOff", "Undo the write-off of time", YES, NO),
    _row("undoTimeEntriesWriteOff", "Undo the write-off of several time entries", YES, NO),
    _row("writeOffExpense", "Write an expense off", YES, NO),
    _row("writeOffExpenses", "Write several expenses off", YES, NO),
    _row("undoExpenseWriteOff", "Undo the write-off of an expense", YES, NO),
    _row("undoExpensesWriteOff", "Undo the write-off of several expenses", YES, NO),
    _row("getReconciliation", "See what became of the work for each client", YES, NO),
    _row("getTimeReport", "See the sums of time", YES, OWN),
    _row("exportTimeReport", "Export the time report", YES, OWN),
    _row("getTimeReportCsv", "Export the time report as CSV", YES, OWN),
    _row("getRevenueReport", "See what was invoiced and collected", YES, NO),
    _row("exportRevenueReport", "Export what was invoiced and collected", YES, NO),
    _row("getUninvoicedReport", "See what is on no invoice yet", YES, NO),
    _row("exportUninvoicedReport", "Export what is on no invoice yet", YES, NO),
    _row("getProjectsReport", "See how projects pay; a Member their hours", YES, OWN),
    _row("exportProjectsReport", "Export how projects pay; a Member their hours", YES, OWN),
    _row("getUtilisationReport", "See hours and billable share by week", YES, OWN),
    _row("exportUtilisationReport", "Export hours and billable share by week", YES, OWN),
    _row("listReportViews", "List saved views of reports", YES, YES),
    _row("createReportView", "Save a view of a report", YES, YES),
    _row("getReportView", "Read a saved view", OWN, OWN),
    _row("updateReportView", "Change a view of one's own", OWN, OWN),
    _row("deleteReportView", "Delete a view of one's own", OWN, OWN),
    _row("listInvoices", "List invoices", YES, NO),
    _row("createInvoice", "Draft an invoice", YES, NO),
    _row("getInvoice", "Read an invoice", YES, NO),
    _row("updateInvoice", "Change a draft", YES, NO),
    _row("deleteInvoice", "Delete a draft", YES, NO),
    _row("getInvoicePdf", "Read an invoice as PDF", YES, NO),
    _row("getInvoiceTimesheet", "Read the hours behind an invoice", YES, NO),
    _row("getInvoiceDocuments", "Read an invoice with all that goes with it", YES, NO),
    _row("getInvoiceXml", "Read an invoice as data", YES, NO),
    _row("listInvoiceLines", "Read the lines of an invoice", YES, NO),
    _row("updateInvoiceLine", "Change a line of a draft", YES, NO),
    _row("listInvoiceTaxes", "Read the taxes of an invoice", YES, NO),
    _row("explainInvoice", "Read where the figures of an invoice come from", YES, NO),
    _row("markInvoiceSent", "Issue an invoice", YES, NO),
    _row("markInvoicePaid", "Mark an invoice as paid", YES, NO),
    _row("cancelInvoice", "Cancel an invoice", YES, NO),
    _row("restoreInvoice", "Make a cancelled invoice a draft again", YES, NO),
    _row("duplicateInvoice", "Duplicate an invoice", YES, NO),
    _row("listInvoicePayments", "Read the payments of an invoice", YES, NO),
    _row("createInvoicePayment", "Record a payment", YES, NO, manager=NO),
    _row("deleteInvoicePayment", "Delete a payment", YES, NO, manager=NO),
    _row("sendInvoice", "Mail an invoice, and issue it where it is a draft", YES, NO),
    _row("remindOfInvoice", "Remind of an overdue invoice", YES, NO),
    _row("getInvoiceLink", "Read an invoice's public link", YES, NO),
    _row("regenerateInvoiceLink", "Give an invoice another link", YES, NO, manager=NO),
    _row("getInvoiceReminders", "Read whether an invoice is reminded of", YES, NO),
    _row("setInvoiceReminders", "Let an invoice be reminded of or not", YES, NO),
    _row("getClientReminders", "Read whether a client is reminded", YES, NO),
    _row("setClientReminders", "Let a client be reminded or not", YES, NO),
    _row("listMailTemplates", "Read the words that mail goes in", YES, NO),
    _row("setMailTemplate", "Set the words that mail goes in", YES, NO, manager=NO),
    _row("inviteMember", "Invite somebody by mail", YES, NO, manager=NO),
    _row("listInvitations", "List the invitations that wait", YES, NO, manager=NO),
    _row("takeBackInvitation", "Take an invitation back", YES, NO, manager=NO),
    _row("getMailSettings", "Read through whom mail goes", YES, NO, manager=NO),
    _row("updateMailSettings", "Set through whom mail goes", YES, NO, manager=NO),
    _row("testMailSettings", "Send a test mail to oneself", YES, NO, manager=NO),
    _row("listMails", "List what was mailed", YES, NO),
    _row("getMail", "Read what became of a mail", YES, NO),
    _row("retryMail", "Send a mail that failed once more", YES, NO),
    _row("listRecurringInvoices", "List recurring invoices", YES, NO),
    _row("createRecurringInvoice", "Let an invoice recur", YES, NO),
    _row("getRecurringInvoice", "Read a recurring invoice", YES, NO),
    _row("updateRecurringInvoice", "Change a recurring invoice", YES, NO),
    _row("deleteRecurringInvoice", "Delete a recurring invoice", YES, NO),
    _row("pauseRecurringInvoice", "Pause a recurring invoice", YES, NO),
    _row("resumeRecurringInvoice", "Resume a recurring invoice", YES, NO),
    _row("skipRecurringInvoice", "Skip the next day of a recurring invoice", YES, NO),
    _row("cancelRecurringInvoice", "End a recurring invoice", YES, NO),
    _row("runRecurringInvoice", "Make the recurring invoices that are due", YES, NO),
    _row("listRecurringOccurrences", "Read the days to come of a recurring invoice", YES, NO),
    _row("listRecurringRuns", "Read what became of its days", YES, NO),
    _row("listTaxRates", "List tax rates", YES, NO),
    _row("createTaxRate", "Give a tax rate a name", YES, NO, manager=NO),
    _row("getTaxRate", "Read a tax rate", YES, NO),
    _row("updateTaxRate", "Change, archive or bring back a tax rate", YES, NO, manager=NO),
    _row("deleteTaxRate", "Delete a tax rate", YES, NO, manager=NO),
    _row("getAutomaticBilling", "Read how a client's work bills itself", YES, NO),
    _row("putAutomaticBilling", "Let a client's work bill itself", YES, NO),
    _row("deleteAutomaticBilling", "Let it wait again", YES, NO),
    _row("listBillingRuns", "Read what became of a client's periods", YES, NO),
    _row("creditInvoice", "Credit an invoice", YES, NO),
    _row("listCreditNotes", "List credit notes", YES, NO),
    _row("getCreditNote", "Read a credit note", YES, NO),
    _row("listCreditNoteLines", "Read the lines of a credit note", YES, NO),
    _row("getCreditNotePdf", "Read a credit note as PDF", YES, NO),
    _row("getCreditNoteXml", "Read a credit note as data", YES, NO),
    _row("applyClientCredit", "Pay an invoice with the client's credit", YES, NO, manager=NO),
    _row("listInvoiceRefunds", "Read the refunds of an invoice", YES, NO),
    _row("refundInvoicePayment", "Record a refund", YES, NO, manager=NO),
    _row("deleteInvoiceRefund", "Delete a refund", YES, NO, manager=NO),
    _row("writeInvoiceOff", "Write an invoice off", YES, NO, manager=NO),
    _row("takeWriteOffBack", "Take a write-off back", YES, NO, manager=NO),
    _row("listNumberSeries", "Read how documents are numbered", YES, NO),
    _row("updateInvoiceSeries", "Change how invoices are numbered", YES, NO, manager=NO),
    _row("updateCreditNoteSeries", "Change how credit notes are numbered", YES, NO, manager=NO),
    _row("getClientCredit", "Read a client's credit", YES, NO),
    _row("getCardSettings", "Read how cards are taken", YES, NO, manager=NO),
    _row("updateCardSettings", "Say how cards are taken", YES, NO, manager=NO),
    _row("getClientPaymentMethod", "Read how a client is to pay", YES, NO),
    _row("setClientPaymentMethod", "Say how a client is to pay", YES, NO),
    _row("getInvoicePaymentMethod", "Read how an invoice is to be paid", YES, NO),
    _row("setInvoicePaymentMethod", "Say how an invoice is to be paid", YES, NO),
    _row("createInvoiceCheckout", "Open a page where an invoice is paid by card", YES, NO),
    _row("listInvoiceCheckouts", "Read the checkouts of an invoice", YES, NO),
    _row("listOauthApps", "List OAuth apps", YES, NO, manager=NO),
    _row("createOauthApp", "Register an OAuth app", YES, NO, manager=NO),
    _row("revokeOauthApp", "End an OAuth app", YES, NO, manager=NO),
    _row("listWebhookEndpoints", "List webhook endpoints", YES, NO, manager=NO),
    _row("createWebhookEndpoint", "Have events sent to an address", YES, NO, manager=NO),
    _row("getWebhookEndpoint", "Get a webhook endpoint", YES, NO, manager=NO),
    _row("updateWebhookEndpoint", "Change a webhook endpoint", YES, NO, manager=NO),
    _row("deleteWebhookEndpoint", "Delete a webhook endpoint", YES, NO, manager=NO),
    _row("rotateWebhookSecret", "Give a webhook endpoint another secret", YES, NO, manager=NO),
    _row("testWebhookEndpoint", "Send a test to a webhook endpoint", YES, NO, manager=NO),
    _row("listWebhookDeliveries", "List what was sent to a webhook endpoint", YES, NO, manager=NO),
    _row("replayWebhookRange", "Send a time's events once more", YES, NO, manager=NO),
    _row("getWebhookDelivery", "Get a webhook delivery", YES, NO, manager=NO),
    _row("replayWebhookDelivery", "Send an event once more", YES, NO, manager=NO),
    _row("listOauthGrants", "List what one granted to apps", YES, YES),
    _row("revokeOauthGrant", "Take back what was granted to an app", YES, OWN, manager=OWN),
)

HEAD = """\
# Who may do what

Every operation of the API, and what each role may do with it. The same holds wherever the work is done: a token acts
as the member who made it, never wider. `tests/matrix` compares every cell with the running server, and this page with
its table.

* **yes**: any of the workspace's.
* **no**: refused with 403 `forbidden_scope`.
* **their own**: their own time, their own membership. Other people's are not found (404), and are not in lists.
* **on their projects**: what belongs to a project they are on. The rest is not found (404) and is not in lists; a body
  that names such a project is refused with 422, as if it did not exist.
* **assigned to them**: tasks that they are assigned to. Other tasks of their projects are refused (403), tasks of other
  projects are not found (404).

Members never receive rates and amounts: those fields are left out of what they read, and they can neither sort nor
filter by them.

| | operation | Owner | Admin | Manager | Member |
|---|---|---|---|---|---|
"""

TAIL = """
Before any of this, for every operation:

| credential | answer |
|---|---|
| none, malformed, unknown, revoked, expired, or of a member who left | 401 `unauthenticated`, always the same |
| a workspace whose plan has no API access | 402 `forbidden_plan` |
| a token without the `write` scope, for an operation that writes | 403 `forbidden_scope` |
| a token without the `read` scope, for an operation that reads | 403 `forbidden_scope` |
"""


def printed() -> str:
    """The table for people."""
    rows = "".join(
        f"| {row.what} | `{row.operation}` | {' | '.join(row.cell(role).value for role in ROLES)} |\n" for row in TABLE
    )
    return HEAD + rows + TAIL
