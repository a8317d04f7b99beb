"""Card payments, in chapters: how a workspace takes them, and checkouts with what became of them."""
