"""Invoices, in chapters: the rows and their states, the sums, unbilled work, drafts, and the life after a draft."""
