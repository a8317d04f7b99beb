"""Credit notes: what is taken back of an invoice, each a document with a number of its own."""
