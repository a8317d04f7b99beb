"""What is billed by itself, in chapters: attempts, recurring invoices and their runs, and tracked time."""
