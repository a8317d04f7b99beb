"""SQL that closes a workspace: only its owner's browser opens it, nothing is written, and in the end it goes."""

from __future__ import annotations

from typing import Final

from tallystick.db.migrations.security import APP

_ENDS: Final = (
    ("open_by_token(text)", "w.id = t.workspace_id", "w.id = t.workspace_id AND w.closed_at IS NULL"),
    ("open_by_access_token(bytea)", "w.id = t.workspace_id", "w.id = t.workspace_id AND w.closed_at IS NULL"),
    ("open_by_api_key(text)", "w.id = k.workspace_id", "w.id = k.workspace_id AND w.closed_at IS NULL"),
    ("open_by_invoice_link(bytea)", "w.id = l.workspace_id", "w.id = l.workspace_id AND w.closed_at IS NULL"),
    (
        "open_by_password_link(bytea, timestamptz)",
        "w.id = l.workspace_id",
        "w.id = l.workspace_id AND w.closed_at IS NULL",
    ),
    (
        "open_by_invitation(bytea, timestamptz)",
        "w.id = v.workspace_id",
        "w.id = v.workspace_id AND w.closed_at IS NULL",
    ),
    (
        "use_portal_link(bytea, timestamptz)",
        "w.id = l.workspace_id",
        "w.id = l.workspace_id AND w.closed_at IS NULL",
    ),
    (
        "portal_knows(uuid, text)",
        "FROM clients AS c WHERE",
        "FROM clients AS c JOIN workspaces AS w ON w.id = c.workspace_id AND w.closed_at IS NULL WHERE",
    ),
    (
        "open_by_oauth_app(uuid)",
        "PERFORM set_config",
        "SELECT id INTO found FROM workspaces WHERE id = found AND closed_at IS NULL;\n  PERFORM set_config",
    ),
    (
        "open_by_oauth_secret(bytea)",
        "PERFORM set_config",
        "SELECT id INTO found FROM workspaces WHERE id = found AND closed_at IS NULL;\n  PERFORM set_config",
    ),
    # A browser comes with its secret, an app with a JWT, which names the session alone.
    (
        "open_by_session(uuid, bytea, timestamptz)",
        "w.id = s.workspace_id",
        "w.id = s.workspace_id AND (w.closed_at IS NULL OR (m.role = 'OWNER' AND secret IS NOT NULL))",
    ),
)


def end_ways_in() -> list[str]:
    """Each function that lets somebody in, as it is and with a condition more; one that we do not know is an error."""
    return [
        f"""
DO $do$
DECLARE was text := pg_get_functiondef('{function}'::regprocedure);
BEGIN
  IF position($old${old}$old$ IN was) = 0 THEN
    RAISE EXCEPTION '% is not as it was', '{function}';
  END IF;
  EXECUTE replace(was, $old${old}$old$, $new${new}$new$);
END $do$
"""
        for function, old, new in _ENDS
    ]


PLACES_OPEN_TO: Final = f"""
CREATE FUNCTION places_open_to(address text) RETURNS TABLE (
  user_id uuid, person_name text, password_hash text, totp_secret bytea, totp_step bigint,
  workspace_id uuid, workspace_name text, role text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  -- `sign_in_of` without closed workspaces, but for their owners, to whom they come last.
  SELECT place.user_id, place.person_name, place.password_hash, place.totp_secret, place.totp_step,
         place.workspace_id, place.workspace_name, place.role
  FROM sign_in_of(address) WITH ORDINALITY AS place
    (user_id, person_name, password_hash, totp_secret, totp_step, workspace_id, workspace_name, role, position)
  JOIN workspaces AS w ON w.id = place.workspace_id
  WHERE w.closed_at IS NULL OR place.role = 'OWNER'
  ORDER BY w.closed_at IS NOT NULL, place.position
$$;
REVOKE ALL ON FUNCTION places_open_to(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION places_open_to(text) TO {APP}
"""

KEEP_CLOSED: Final = [
    """
CREATE FUNCTION keep_closed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
DECLARE
  studio uuid := NULLIF(current_setting('tallystick.workspace', true), '')::uuid;
  at timestamptz;
BEGIN
  -- What is written in a closed workspace is refused, but for closing itself, its owner's sessions, and exports.
  -- Who closes holds the row alone: the lock waits for them, and reads what they wrote.
  IF studio IS NULL OR current_setting('tallystick.even_closed', true) = 'on'
     OR NOT EXISTS (SELECT FROM now WHERE workspace_id = studio) THEN
    RETURN NULL;
  END IF;
  SELECT closed_at INTO at FROM workspaces WHERE id = studio FOR KEY SHARE;
  IF at IS NOT NULL THEN
    RAISE EXCEPTION 'this workspace is closed'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'workspace_is_closed', TABLE = 'workspaces';
  END IF;
  RETURN NULL;
END $$
""",
    "REVOKE ALL ON FUNCTION keep_closed() FROM PUBLIC",
    """
CREATE TRIGGER keep_closed AFTER INSERT ON change_queue REFERENCING NEW TABLE AS now
FOR EACH STATEMENT EXECUTE FUNCTION keep_closed()
""",
]
"""Every change and every event passes the queue of changes (`following`): one place that none goes around."""

KEEP_CLOSED_ASKED_ONCE: Final = """
CREATE OR REPLACE FUNCTION keep_closed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
  studio text := NULLIF(current_setting('tallystick.workspace', true), '');
  at timestamptz;
  said text;
BEGIN
  -- What is written in a closed workspace is refused, but for closing itself, its owner's sessions, and exports.
  -- Who closes holds the row alone: the lock waits for them, reads what they wrote, and keeps others from closing until
  -- the transaction ends, so that it need not ask again.
  IF studio IS NULL OR current_setting('tallystick.even_closed', true) = 'on'
     OR current_setting('tallystick.not_closed', true) = studio THEN
    RETURN NULL;
  END IF;
  SELECT one.closed_at INTO at FROM workspaces AS one
  WHERE one.id = studio::uuid AND EXISTS (SELECT FROM now WHERE workspace_id = one.id) FOR KEY SHARE OF one;
  IF at IS NOT NULL THEN
    RAISE EXCEPTION 'this workspace is closed'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'workspace_is_closed', TABLE = 'workspaces';
  END IF;
  IF FOUND THEN
    said := set_config('tallystick.not_closed', studio, true);
  END IF;
  RETURN NULL;
END $$
"""

ERASE_WORKSPACE: Final = """
CREATE FUNCTION erase_workspace(wanted uuid, before timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '800ms' AS $$
DECLARE
  place record;
  name text;
  tables text[] := '{}';
  steps text[] := '{}';
  alone text := 'SELECT one.user_id FROM members AS one WHERE one.workspace_id = $1 AND NOT EXISTS (
    SELECT FROM members AS other WHERE other.user_id = one.user_id AND other.workspace_id <> $1)';
BEGIN
  -- Erases a workspace that was closed by `before`, with the people who are in no other. Only the owner of the tables
  -- may; their guards are off for this transaction, behind a lock, and foreign keys hold: it is one statement.
  PERFORM FROM workspaces WHERE id = wanted AND closed_at <= before FOR UPDATE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  FOR place IN
    SELECT quote_ident(t.relname) AS name FROM pg_class AS t
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped
    WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' ORDER BY 1
  LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', place.name);
    tables := tables || place.name;
    steps := steps || format('gone_%s AS (DELETE FROM %s WHERE workspace_id = $1)', cardinality(steps), place.name);
  END LOOP;
  FOR place IN
    SELECT quote_ident(t.relname) AS name, quote_ident(a.attname) AS whose FROM pg_constraint AS k
    JOIN pg_class AS t ON t.oid = k.conrelid
    JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND k.confrelid = 'people'::regclass AND quote_ident(t.relname) <> ALL (tables) ORDER BY 1
  LOOP
    steps := steps || format('gone_%s AS (DELETE FROM %s WHERE %s IN (%s))', cardinality(steps), place.name,
                             place.whose, alone);
  END LOOP;
  steps := steps || format('gone_%s AS (DELETE FROM people WHERE id IN (%s))', cardinality(steps), alone);
  EXECUTE format('WITH %s DELETE FROM workspaces WHERE id = $1', array_to_string(steps, ', ')) USING wanted;
  FOREACH name IN ARRAY tables LOOP
    EXECUTE format('ALTER TABLE %s ENABLE TRIGGER USER', name);
  END LOOP;
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION erase_workspace(uuid, timestamptz) FROM PUBLIC
"""
