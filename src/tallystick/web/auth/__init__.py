"""The ways in: signing in by API and by page, and setting a password."""
