"""SQL that guards the tables: row-level security, grants to the application role, append-only triggers, functions.

Migrations call these functions for the tables they make. What is here only grows by new functions: a released
migration must keep doing what it did.
"""

from __future__ import annotations

from typing import Final

APP: Final = "tallystick_app"
HERE: Final = "NULLIF(current_setting('tallystick.workspace', true), '')::uuid"
"""The workspace of the transaction; null outside of one, so that no row matches: it fails closed."""


def tenant_table(table: str) -> list[str]:
    """Only rows of the transaction's workspace can be seen and written."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY own_workspace ON {table} USING (workspace_id = {HERE}) WITH CHECK (workspace_id = {HERE})",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {APP}",
    ]


def append_only(table: str) -> list[str]:
    """Rows of this table are never changed or deleted, by anyone."""
    return [
        f"REVOKE UPDATE, DELETE ON {table} FROM {APP}",
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()",
    ]


REFUSE_CHANGE: Final = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

ISSUED_INVOICES: Final = [
    """
CREATE FUNCTION keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  free text[] := '{status,payment_status,amount_paid,settled,paid_at,sent_at,cancelled_at,updated_at}';
BEGIN
  -- From the day it is issued only an invoice's state and payments move; a cancelled one may become a draft again.
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'invoices are never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (OLD.status IN ('SENT', 'PAID') AND NEW.status = 'DRAFT')
     OR (OLD.status <> 'DRAFT' AND NEW.status <> 'DRAFT' AND to_jsonb(OLD) - free <> to_jsonb(NEW) - free) THEN
    RAISE EXCEPTION 'invoice % was issued and cannot change', OLD.number USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER keep_issued BEFORE UPDATE OR DELETE ON invoices
FOR EACH ROW EXECUTE FUNCTION keep_issued_invoice()
""",
    """
CREATE FUNCTION keep_issued_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT status FROM invoices WHERE id = coalesce(NEW.invoice_id, OLD.invoice_id)) <> 'DRAFT' THEN
    RAISE EXCEPTION 'the lines of an issued invoice cannot change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$
""",
    """
CREATE TRIGGER keep_issued BEFORE INSERT OR UPDATE OR DELETE ON invoice_lines
FOR EACH ROW EXECUTE FUNCTION keep_issued_lines()
""",
]

WORKSPACES: Final = [
    "ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY own_workspace ON workspaces USING (id = {HERE}) WITH CHECK (id = {HERE})",
    f"GRANT SELECT, INSERT, UPDATE ON workspaces TO {APP}",
]

COLLEAGUE: Final = "(EXISTS (SELECT 1 FROM members WHERE members.user_id = people.id))"
PEOPLE: Final = [
    "ALTER TABLE people ENABLE ROW LEVEL SECURITY",
    # The subquery is itself under the policy of members: only people of this workspace.
    f"CREATE POLICY colleagues ON people FOR SELECT USING {COLLEAGUE}",
    f"CREATE POLICY colleagues_change ON people FOR UPDATE USING {COLLEAGUE}",
    f"CREATE POLICY newcomers ON people FOR INSERT WITH CHECK ({HERE} IS NOT NULL)",
    f"GRANT SELECT, INSERT, UPDATE ON people TO {APP}",
]

NAME_KEY: Final = """
CREATE FUNCTION name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path = pg_catalog AS $$
  -- What names sort by: without case and accents. The embedded PostgreSQL has no ICU (docs/decisions/0003).
  SELECT lower(regexp_replace(normalize(name, NFKD), '[\u0300-\u036f]', '', 'g')) COLLATE "C"
$$
"""

PERSON_BY_EMAIL: Final = f"""
CREATE FUNCTION person_by_email(address text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT id FROM people WHERE email = address
$$;
REVOKE ALL ON FUNCTION person_by_email(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_by_email(text) TO {APP}
"""

OPEN_BY_TOKEN: Final = f"""
CREATE FUNCTION open_by_token(wanted text) RETURNS TABLE (
  token_id uuid, digest bytea, expires_at timestamptz, scopes text[], token_name text,
  workspace_id uuid, workspace_name text, plan text, user_id uuid, role text, time_zone text, opened text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  -- Looks a token up by its public prefix and opens its workspace for this transaction, in one round trip.
  RETURN QUERY
  SELECT t.id, t.digest, t.expires_at, t.scopes, t.name, t.workspace_id, w.name, w.plan, m.user_id, m.role,
         coalesce(p.time_zone, w.time_zone), set_config('tallystick.workspace', t.workspace_id::text, true)
  FROM tokens t
  JOIN members m ON m.workspace_id = t.workspace_id AND m.user_id = t.user_id AND m.removed_at IS NULL
  JOIN people p ON p.id = m.user_id
  JOIN workspaces w ON w.id = t.workspace_id
  WHERE t.prefix = wanted AND t.revoked_at IS NULL;
END $$;
REVOKE ALL ON FUNCTION open_by_token(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_token(text) TO {APP}
"""
