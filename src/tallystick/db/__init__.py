"""How rows are kept: their declaration, connections, the embedded PostgreSQL and the migrations."""
