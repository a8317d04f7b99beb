"""What the local PostgreSQL tells the operator when it cannot go on."""


class LocalPostgresError(Exception):
    """A sentence for the operator that says what is wrong and what to do."""
