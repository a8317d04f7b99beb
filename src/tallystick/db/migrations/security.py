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

SIGN_IN_COUNTS: Final = f"GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_counts TO {APP}"
"""Counted before anybody knows which workspace is meant; keys are digests, and tell nothing."""

SIGN_IN_OF: Final = f"""
CREATE FUNCTION sign_in_of(address text) RETURNS TABLE (
  user_id uuid, person_name text, password_hash text, totp_secret bytea, totp_step bigint,
  workspace_id uuid, workspace_name text, role text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  -- Who signs in with this address, once for each workspace they belong to, the last one used first.
  SELECT p.id, p.name, p.password_hash, p.totp_secret, p.totp_step, w.id, w.name, m.role
  FROM people p
  JOIN members m ON m.user_id = p.id AND m.removed_at IS NULL
  JOIN workspaces w ON w.id = m.workspace_id
  WHERE p.email = address
  ORDER BY (SELECT max(s.created_at) FROM sessions s WHERE s.workspace_id = w.id AND s.user_id = p.id)
             DESC NULLS LAST, m.created_at, w.id
$$;
REVOKE ALL ON FUNCTION sign_in_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sign_in_of(text) TO {APP}
"""

OPEN_BY_SESSION: Final = f"""
CREATE FUNCTION open_by_session(wanted uuid, secret bytea, at timestamptz) RETURNS TABLE (
  session_id uuid, expires_at timestamptz, remember boolean, email text, person_name text,
  workspace_id uuid, workspace_name text, plan text, user_id uuid, role text, time_zone text, opened text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  -- Finds a live session, by its id alone or also by its secret, and opens its workspace for this transaction.
  RETURN QUERY
  SELECT s.id, s.expires_at, s.remember, p.email, p.name, s.workspace_id, w.name, w.plan, m.user_id, m.role,
         coalesce(p.time_zone, w.time_zone), set_config('tallystick.workspace', s.workspace_id::text, true)
  FROM sessions s
  JOIN members m ON m.workspace_id = s.workspace_id AND m.user_id = s.user_id AND m.removed_at IS NULL
  JOIN people p ON p.id = m.user_id
  JOIN workspaces w ON w.id = s.workspace_id
  WHERE s.id = wanted AND (secret IS NULL OR s.digest = secret) AND s.ended_at IS NULL AND s.expires_at > at
    AND (s.remember OR s.last_seen_at > at - interval '12 hours');
END $$;
REVOKE ALL ON FUNCTION open_by_session(uuid, bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_session(uuid, bytea, timestamptz) TO {APP}
"""

OPEN_BY_PASSWORD_LINK: Final = f"""
CREATE FUNCTION open_by_password_link(secret bytea, at timestamptz) RETURNS TABLE (
  link_id uuid, user_id uuid, email text, person_name text, second_factor boolean,
  workspace_id uuid, workspace_name text, opened text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT l.id, l.user_id, p.email, p.name, p.totp_secret IS NOT NULL, l.workspace_id, w.name,
         set_config('tallystick.workspace', l.workspace_id::text, true)
  FROM password_links l
  JOIN members m ON m.workspace_id = l.workspace_id AND m.user_id = l.user_id AND m.removed_at IS NULL
  JOIN people p ON p.id = l.user_id
  JOIN workspaces w ON w.id = l.workspace_id
  WHERE l.digest = secret AND l.ended_at IS NULL AND l.expires_at > at;
END $$;
REVOKE ALL ON FUNCTION open_by_password_link(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_password_link(bytea, timestamptz) TO {APP}
"""

END_PASSWORD_LINKS_OF: Final = f"""
CREATE FUNCTION end_password_links_of(person uuid, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE ended bigint;
BEGIN
  UPDATE password_links SET ended_at = at WHERE user_id = person AND ended_at IS NULL;
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;
REVOKE ALL ON FUNCTION end_password_links_of(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_password_links_of(uuid, timestamptz) TO {APP}
"""

END_SESSIONS_OF: Final = f"""
CREATE FUNCTION end_sessions_of(person uuid, kept uuid, why text, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE ended bigint;
BEGIN
  -- A person's sessions in every workspace, and with them their links to set a password.
  PERFORM end_password_links_of(person, at);
  UPDATE sessions SET ended_at = at, ending = why
  WHERE user_id = person AND ended_at IS NULL AND id IS DISTINCT FROM kept;
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;
REVOKE ALL ON FUNCTION end_sessions_of(uuid, uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_sessions_of(uuid, uuid, text, timestamptz) TO {APP}
"""

OPEN_BY_OAUTH: Final = f"""
CREATE FUNCTION open_by_oauth_app(wanted uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE found uuid;
BEGIN
  -- A client_id names an app of exactly one workspace, which is opened for this transaction.
  SELECT workspace_id INTO found FROM oauth_apps WHERE id = wanted;
  PERFORM set_config('tallystick.workspace', coalesce(found::text, ''), true);
  RETURN found;
END $$;

CREATE FUNCTION open_by_oauth_secret(wanted bytea) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE found uuid;
BEGIN
  -- Codes and tokens are looked up by their keyed digest; the workspace they belong to is opened.
  SELECT workspace_id INTO found FROM oauth_codes WHERE digest = wanted
  UNION ALL SELECT workspace_id FROM oauth_tokens WHERE digest = wanted;
  PERFORM set_config('tallystick.workspace', coalesce(found::text, ''), true);
  RETURN found;
END $$;

CREATE FUNCTION open_by_access_token(wanted bytea) RETURNS TABLE (
  grant_id uuid, expires_at timestamptz, scopes text[], app_name text,
  workspace_id uuid, workspace_name text, plan text, user_id uuid, role text, time_zone text, opened text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  RETURN QUERY
  SELECT g.id, t.expires_at, g.scopes, a.name, t.workspace_id, w.name, w.plan, m.user_id, m.role,
         coalesce(p.time_zone, w.time_zone), set_config('tallystick.workspace', t.workspace_id::text, true)
  FROM oauth_tokens t
  JOIN oauth_grants g ON g.id = t.grant_id AND g.ended_at IS NULL
  JOIN oauth_apps a ON a.id = g.app_id AND a.revoked_at IS NULL
  JOIN members m ON m.workspace_id = g.workspace_id AND m.user_id = g.user_id AND m.removed_at IS NULL
  JOIN people p ON p.id = m.user_id
  JOIN workspaces w ON w.id = t.workspace_id
  WHERE t.digest = wanted AND t.kind = 'access';
END $$;

REVOKE ALL ON FUNCTION open_by_oauth_app(uuid), open_by_oauth_secret(bytea), open_by_access_token(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_oauth_app(uuid), open_by_oauth_secret(bytea), open_by_access_token(bytea) TO {APP}
"""

END_OAUTH_GRANTS_OF: Final = f"""
CREATE FUNCTION end_oauth_grants_of(person uuid, why text, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE ended bigint;
BEGIN
  -- What a person granted to apps, in every workspace.
  UPDATE oauth_grants SET ended_at = at, ending = why WHERE user_id = person AND ended_at IS NULL;
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;
REVOKE ALL ON FUNCTION end_oauth_grants_of(uuid, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_oauth_grants_of(uuid, text, timestamptz) TO {APP}
"""

FILED_INVOICES: Final = """
CREATE OR REPLACE FUNCTION keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  free text[] := '{status,payment_status,amount_paid,settled,paid_at,sent_at,cancelled_at,updated_at,category_id,tags}';
BEGIN
  -- From the day it is issued only an invoice's state and payments move, and where we file it, which nobody else sees;
  -- a cancelled one may become a draft again.
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'invoices are never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (OLD.status IN ('SENT', 'PAID') AND NEW.status = 'DRAFT')
     OR (OLD.status <> 'DRAFT' AND NEW.status <> 'DRAFT' AND to_jsonb(OLD) - free <> to_jsonb(NEW) - free) THEN
    RAISE EXCEPTION 'invoice % was issued and cannot change', OLD.number USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""

OPEN_BY_API_KEY: Final = f"""
CREATE FUNCTION open_by_api_key(wanted text) RETURNS TABLE (
  key_id uuid, digest bytea, key_name text, workspace_id uuid, workspace_name text, plan text,
  user_id uuid, role text, time_zone text, founder_id uuid, opened text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  -- A key acts as the owner; what it makes is the founder's, who is number 1 for ever.
  RETURN QUERY
  SELECT k.id, k.digest, k.name, k.workspace_id, w.name, w.plan, m.user_id, m.role,
         coalesce(p.time_zone, w.time_zone), founder.user_id,
         set_config('tallystick.workspace', k.workspace_id::text, true)
  FROM api_keys k
  JOIN workspaces w ON w.id = k.workspace_id
  JOIN members m ON m.workspace_id = k.workspace_id AND m.role = 'OWNER' AND m.removed_at IS NULL
  JOIN members founder ON founder.workspace_id = k.workspace_id AND founder.number = 1
  JOIN people p ON p.id = m.user_id
  WHERE k.prefix = wanted AND k.revoked_at IS NULL;
END $$;
REVOKE ALL ON FUNCTION open_by_api_key(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_api_key(text) TO {APP}
"""

DEFER_JOB: Final = f"""
CREATE FUNCTION defer_job(task text, about jsonb, lock text, once text, at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, jobs, pg_temp AS $$
DECLARE made bigint[];
BEGIN
  -- All that a request may do with the queue. The workspace goes along as the transaction has it: nobody leaves work
  -- for another one.
  made := procrastinate_defer_jobs_v1(ARRAY[ROW(
    'default', task, 0, lock, once,
    about || jsonb_strip_nulls(jsonb_build_object(
      'workspace_id', NULLIF(current_setting('tallystick.workspace', true), ''))),
    at
  )::procrastinate_job_to_defer_v1]);
  RETURN made[1];
EXCEPTION WHEN unique_violation THEN
  RETURN NULL;  -- one waits already, and it is enough
END $$;
REVOKE ALL ON FUNCTION defer_job(text, jsonb, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION defer_job(text, jsonb, text, text, timestamptz) TO {APP}
"""

ISSUED_TAXES: Final = """
CREATE TRIGGER keep_issued BEFORE INSERT OR UPDATE OR DELETE ON invoice_taxes
FOR EACH ROW EXECUTE FUNCTION keep_issued_lines()
"""

OPEN_BY_INVOICE_LINK: Final = f"""
CREATE FUNCTION open_by_invoice_link(secret bytea) RETURNS TABLE (
  link_id uuid, invoice_id uuid, workspace_id uuid, workspace_name text, time_zone text, opened text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  -- Finds the invoice of a live link; one that is a draft, cancelled or deleted has none.
  RETURN QUERY
  SELECT l.id, l.invoice_id, l.workspace_id, w.name, w.time_zone,
         set_config('tallystick.workspace', l.workspace_id::text, true)
  FROM invoice_links l
  JOIN invoices i ON i.id = l.invoice_id AND i.status IN ('SENT', 'PAID') AND i.deleted_at IS NULL
  JOIN workspaces w ON w.id = l.workspace_id
  WHERE l.digest = secret AND l.ended_at IS NULL;
END $$;
REVOKE ALL ON FUNCTION open_by_invoice_link(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_invoice_link(bytea) TO {APP}
"""

OPEN_BY_INVITATION: Final = f"""
CREATE FUNCTION open_by_invitation(secret bytea, at timestamptz) RETURNS TABLE (
  invitation_id uuid, email text, name text, role text, known boolean,
  workspace_id uuid, workspace_name text, opened text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT v.id, v.email, v.name, v.role, EXISTS (SELECT FROM people p WHERE p.email = v.email),
         v.workspace_id, w.name, set_config('tallystick.workspace', v.workspace_id::text, true)
  FROM invitations v
  JOIN workspaces w ON w.id = v.workspace_id
  WHERE v.digest = secret AND v.ended_at IS NULL AND v.expires_at > at;
END $$;
REVOKE ALL ON FUNCTION open_by_invitation(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_invitation(bytea, timestamptz) TO {APP}
"""

CREDITED_LINES: Final = """
CREATE OR REPLACE FUNCTION keep_issued_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Once the invoice is issued, only how much of a line is credited changes.
  IF (SELECT status FROM invoices WHERE id = coalesce(NEW.invoice_id, OLD.invoice_id)) <> 'DRAFT'
     AND (TG_OP <> 'UPDATE' OR to_jsonb(OLD) - 'credited' <> to_jsonb(NEW) - 'credited') THEN
    RAISE EXCEPTION 'the lines of an issued invoice cannot change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$
"""

SETTLED_INVOICES: Final = """
CREATE OR REPLACE FUNCTION keep_issued_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  free text[] := '{status,payment_status,amount_paid,settled,paid_at,sent_at,cancelled_at,updated_at,category_id,tags,'
    'amount_credited,amount_refunded,amount_written_off,balance,written_off_at,write_off_reason}';
BEGIN
  -- From the day it is issued only an invoice's state moves, and what was paid, credited, returned and written off;
  -- and where we file it, which nobody else sees. A cancelled one may become a draft again.
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'invoices are never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (OLD.status IN ('SENT', 'PAID') AND NEW.status = 'DRAFT')
     OR (OLD.status <> 'DRAFT' AND NEW.status <> 'DRAFT' AND to_jsonb(OLD) - free <> to_jsonb(NEW) - free) THEN
    RAISE EXCEPTION 'invoice % was issued and cannot change', OLD.number USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$
"""

PORTAL: Final = [
    f"""
CREATE FUNCTION portal_knows(client uuid, address text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
  -- Whether a client has a portal, and somebody there this address.
  SELECT EXISTS (
    SELECT FROM clients AS c WHERE c.id = client AND c.deleted_at IS NULL AND cardinality(c.portal_shows) > 0
      AND (lower(c.email) = address OR lower(c.billing_email) = address OR EXISTS (
        SELECT FROM contacts AS person WHERE person.workspace_id = c.workspace_id AND person.client_id = c.id
          AND person.email = address AND person.deleted_at IS NULL)))
$$;
REVOKE ALL ON FUNCTION portal_knows(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION portal_knows(uuid, text) TO {APP}
""",
    f"""
CREATE FUNCTION portal_places(address text) RETURNS TABLE (workspace_id uuid, client_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT c.workspace_id, c.id FROM clients AS c
  WHERE lower(c.email) = address AND portal_knows(c.id, address)
  UNION SELECT c.workspace_id, c.id FROM clients AS c
  WHERE lower(c.billing_email) = address AND portal_knows(c.id, address)
  UNION SELECT person.workspace_id, person.client_id FROM contacts AS person
  WHERE person.email = address AND person.deleted_at IS NULL AND portal_knows(person.client_id, address)
$$;
REVOKE ALL ON FUNCTION portal_places(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION portal_places(text) TO {APP}
""",
    f"""
CREATE FUNCTION use_portal_link(secret bytea, at timestamptz) RETURNS TABLE (
  workspace_id uuid, client_id uuid, email text, workspace_name text, time_zone text, opened text
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  -- Uses a link up, and opens its workspace for this transaction. Of two at once the second finds it used.
  RETURN QUERY
  UPDATE portal_links AS l SET used_at = at FROM workspaces AS w
  WHERE w.id = l.workspace_id AND l.digest = secret AND l.used_at IS NULL AND l.expires_at > at
  RETURNING l.workspace_id, l.client_id, l.email, w.name, w.time_zone,
            set_config('tallystick.workspace', l.workspace_id::text, true);
END $$;
REVOKE ALL ON FUNCTION use_portal_link(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION use_portal_link(bytea, timestamptz) TO {APP}
""",
    f"""
CREATE FUNCTION keep_portal_sessions(was bytea, secret bytea, whose text, at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  -- A browser's new secret opens what its old one did for the same address; the rest of the old one ends.
  UPDATE portal_sessions SET digest = secret
  WHERE digest = was AND email = whose AND ended_at IS NULL AND expires_at > at;
  UPDATE portal_sessions SET ended_at = at WHERE digest = was AND ended_at IS NULL
$$;
REVOKE ALL ON FUNCTION keep_portal_sessions(bytea, bytea, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_portal_sessions(bytea, bytea, text, timestamptz) TO {APP}
""",
    f"""
CREATE FUNCTION open_by_portal_session(secret bytea, client uuid, at timestamptz) RETURNS TABLE (
  session_id uuid, email text, last_seen_at timestamptz, workspace_id uuid, workspace_name text, time_zone text,
  opened text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
BEGIN
  -- One client of one workspace, for as long as that client knows the address.
  RETURN QUERY
  SELECT s.id, s.email, s.last_seen_at, s.workspace_id, w.name, w.time_zone,
         set_config('tallystick.workspace', s.workspace_id::text, true)
  FROM portal_sessions AS s
  JOIN workspaces AS w ON w.id = s.workspace_id
  WHERE s.digest = secret AND s.client_id = client AND s.ended_at IS NULL AND s.expires_at > at
    AND portal_knows(s.client_id, s.email);
END $$;
REVOKE ALL ON FUNCTION open_by_portal_session(bytea, uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_by_portal_session(bytea, uuid, timestamptz) TO {APP}
""",
    f"""
CREATE FUNCTION portal_sessions_of(secret bytea, at timestamptz) RETURNS TABLE (
  client_id uuid, client_name text, workspace_name text, email text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT s.client_id, c.name, w.name, s.email
  FROM portal_sessions AS s
  JOIN workspaces AS w ON w.id = s.workspace_id
  JOIN clients AS c ON c.id = s.client_id
  WHERE s.digest = secret AND s.ended_at IS NULL AND s.expires_at > at AND portal_knows(s.client_id, s.email)
  ORDER BY w.name, c.name, c.id
$$;
REVOKE ALL ON FUNCTION portal_sessions_of(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION portal_sessions_of(bytea, timestamptz) TO {APP}
""",
    f"""
CREATE FUNCTION end_portal_sessions(secret bytea, at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  UPDATE portal_sessions SET ended_at = at WHERE digest = secret AND ended_at IS NULL
$$;
REVOKE ALL ON FUNCTION end_portal_sessions(bytea, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION end_portal_sessions(bytea, timestamptz) TO {APP}
""",
]

_KEEP_CLOSED_TIME: Final = """
CREATE FUNCTION keep_closed_time() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
  closed text;
BEGIN
  -- Approved weeks and closed days keep their time. A timer that still runs there may be stopped or thrown away.
  IF TG_OP = 'UPDATE' THEN
    IF OLD.started_at IS NOT NULL AND OLD.stopped_at IS NULL AND
       (OLD.user_id, OLD.project_id, OLD.task_id, OLD.entry_date, OLD.started_at, OLD.note, OLD.billable)
       IS NOT DISTINCT FROM
       (NEW.user_id, NEW.project_id, NEW.task_id, NEW.entry_date, NEW.started_at, NEW.note, NEW.billable) THEN
      RETURN NEW;
    END IF;
    SELECT why INTO closed FROM closing_of(OLD.workspace_id, OLD.user_id, OLD.entry_date, NEW.updated_at)
    WHERE why <> 'submitted';
  END IF;
  IF closed IS NULL AND
     (TG_OP = 'INSERT' OR (OLD.user_id, OLD.entry_date) IS DISTINCT FROM (NEW.user_id, NEW.entry_date)) THEN
    SELECT why INTO closed FROM closing_of(NEW.workspace_id, NEW.user_id, NEW.entry_date, NEW.updated_at)
    WHERE why <> 'submitted';
  END IF;
  IF closed IS NOT NULL THEN
    RAISE EXCEPTION 'this day is closed: %', closed
    USING ERRCODE = 'check_violation', CONSTRAINT = 'time_is_closed', TABLE = 'time_entries';
  END IF;
  RETURN NEW;
END $$
"""
_WEEK_HELD: Final = """\
    PERFORM pg_advisory_xact_lock_shared(time_key(studio_id, person));
    SELECT CASE WHEN week.status = 'APPROVED' THEN 'approved' ELSE 'submitted' END, week.first_day, false
    INTO why, first_day, automatic
    FROM weeks AS week
    WHERE week.workspace_id = studio_id AND week.user_id = person AND week.first_day BETWEEN day - 6 AND day
"""
"""Of a day that only its week can close: the week is held as it is, and looked for."""
CLOSED_TIME: Final = [
    """
CREATE FUNCTION time_key(studio uuid, person uuid) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog AS $$
  -- The lock behind which writers of time and those who close it wait for each other: a workspace's, or a person's.
  SELECT hashtextextended(concat('time of ', studio, ' ', person), 0)
$$
""",
    """
CREATE FUNCTION time_closed_until(locked_until date, days bigint, zone text, at timestamptz) RETURNS date
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog AS $$
  -- The last day on which time is closed for everybody: the lock date, or the end of the last month long enough ago.
  SELECT greatest(locked_until, CASE WHEN days IS NOT NULL THEN
    date_trunc('month', (at AT TIME ZONE zone) - make_interval(days => days::int))::date - 1 END)
$$
""",
    f"""
CREATE FUNCTION closing_of(studio_id uuid, person uuid, day date, at timestamptz)
RETURNS TABLE (why text, first_day date, until date, automatic boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
  studio workspaces;
BEGIN
  -- Why time of a person on a day cannot be changed; until the transaction ends nobody changes that.
  PERFORM pg_advisory_xact_lock_shared(time_key(studio_id, NULL));
  SELECT * INTO studio FROM workspaces WHERE id = studio_id;
  IF NOT FOUND OR (NOT studio.approve_weeks AND studio.locked_until IS NULL AND studio.lock_month_after_days IS NULL)
  THEN
    RETURN;
  END IF;
  until := time_closed_until(studio.locked_until, studio.lock_month_after_days, studio.time_zone, at);
  IF day <= until THEN
    why := 'locked';
    automatic := until IS DISTINCT FROM studio.locked_until;
    RETURN NEXT;
    RETURN;
  END IF;
  IF studio.approve_weeks THEN
{_WEEK_HELD}      AND (week.status = 'APPROVED' OR week.status = 'SUBMITTED' AND studio.lock_submitted_weeks)
    ORDER BY week.status LIMIT 1;
    IF FOUND THEN
      RETURN NEXT;
    END IF;
  END IF;
END $$
""",
    _KEEP_CLOSED_TIME,
    "CREATE TRIGGER keep_closed_new BEFORE INSERT ON time_entries FOR EACH ROW EXECUTE FUNCTION keep_closed_time()",
    """
CREATE TRIGGER keep_closed BEFORE UPDATE OF user_id, project_id, task_id, entry_date, duration_seconds, started_at,
stopped_at, day_begins, note, billable, deleted_at ON time_entries
FOR EACH ROW WHEN (
  (OLD.user_id, OLD.project_id, OLD.task_id, OLD.entry_date, OLD.duration_seconds, OLD.started_at, OLD.stopped_at,
   OLD.note, OLD.billable, OLD.deleted_at) IS DISTINCT FROM
  (NEW.user_id, NEW.project_id, NEW.task_id, NEW.entry_date, NEW.duration_seconds, NEW.started_at, NEW.stopped_at,
   NEW.note, NEW.billable, NEW.deleted_at)
) EXECUTE FUNCTION keep_closed_time()
""",
]
"""Who writes time takes the locks that `closing_of` takes, shared; who closes it takes them alone, and then looks."""
NEVER_CLOSED: Final = [
    """
CREATE OR REPLACE FUNCTION time_key(studio uuid, person uuid) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
  -- The lock behind which writers of time and those who close it wait for each other: a workspace's, or a person's.
  SELECT hashtextextended(concat('time of ', studio, ' ', person), 0)
$$
""",
    f"""
CREATE OR REPLACE FUNCTION closing_of(studio_id uuid, person uuid, day date, at timestamptz)
RETURNS TABLE (why text, first_day date, until date, automatic boolean)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, public AS $$
#variable_conflict use_column
DECLARE
  approved boolean;
  submitted boolean;
  locked date;
  days bigint;
  zone text;
  said text;
BEGIN
  -- Why time of a person on a day cannot be changed; until the transaction ends nobody changes that. Where a workspace
  -- closes nothing, that is noted for the rest of the transaction, and the triggers of time entries need not ask.
  said := pg_advisory_xact_lock_shared(time_key(studio_id, NULL))::text;  -- cheaper than PERFORM
  SELECT approve_weeks, lock_submitted_weeks, locked_until, lock_month_after_days, time_zone
  INTO approved, submitted, locked, days, zone FROM workspaces WHERE id = studio_id;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF NOT approved AND locked IS NULL AND days IS NULL THEN
    said := set_config('tallystick.closes_nothing', studio_id::text, true);
    RETURN;
  END IF;
  until := time_closed_until(locked, days, zone, at);
  IF day <= until THEN
    why := 'locked';
    automatic := until IS DISTINCT FROM locked;
    RETURN NEXT;
    RETURN;
  END IF;
  IF approved THEN
{_WEEK_HELD}      AND (week.status = 'APPROVED' OR week.status = 'SUBMITTED' AND submitted)
    ORDER BY week.status LIMIT 1;
    IF FOUND THEN
      RETURN NEXT;
    END IF;
  END IF;
END $$
""",
    _KEEP_CLOSED_TIME.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
        "IF TG_OP = 'UPDATE' THEN",
        "IF current_setting('tallystick.closes_nothing', true) = NEW.workspace_id::text THEN\n    RETURN NEW;\n"
        "  END IF;\n  IF TG_OP = 'UPDATE' THEN",
        1,
    ),
]
"""Who changes what a workspace closes takes the lock alone and forgets the note (`domain.workspaces`)."""
FIRST_RUN: Final = f"""
CREATE FUNCTION is_first_run(claiming boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  -- Whether there is no workspace yet. Of those who claim to make it, one is heard at a time, until it has committed.
  IF claiming THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('tallystick.first_run', 0));
  END IF;
  RETURN NOT EXISTS (SELECT FROM workspaces);
END $$;
REVOKE ALL ON FUNCTION is_first_run(boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_first_run(boolean) TO {APP}
"""

_KEY_OF_COLLEAGUE: Final = "(EXISTS (SELECT 1 FROM members WHERE members.user_id = passkeys.user_id))"
PASSKEYS: Final = [
    "ALTER TABLE passkeys ENABLE ROW LEVEL SECURITY",
    # As people: the subquery is itself under the policy of members.
    f"CREATE POLICY colleagues ON passkeys USING {_KEY_OF_COLLEAGUE} WITH CHECK {_KEY_OF_COLLEAGUE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON passkeys TO {APP}",
    f"""
CREATE FUNCTION passkey_of(credential bytea) RETURNS TABLE (
  passkey_id uuid, user_id uuid, email text, person_name text, public_key bytea, sign_count bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  -- Whose key that is, before it is known which workspace they want.
  SELECT k.id, k.user_id, p.email, p.name, k.public_key, k.sign_count
  FROM passkeys k JOIN people p ON p.id = k.user_id
  WHERE k.credential_id = credential
$$;
REVOKE ALL ON FUNCTION passkey_of(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION passkey_of(bytea) TO {APP}
""",
]

_IDENTITY_OF_COLLEAGUE: Final = "(EXISTS (SELECT 1 FROM members WHERE members.user_id = identities.user_id))"
IDENTITIES: Final = [
    "ALTER TABLE identities ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY colleagues ON identities USING {_IDENTITY_OF_COLLEAGUE} WITH CHECK {_IDENTITY_OF_COLLEAGUE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON identities TO {APP}",
    f"""
CREATE FUNCTION identity_of(provider text, wanted text) RETURNS TABLE (user_id uuid, email text, person_name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  -- Whom a provider means, before their workspace is open.
  SELECT p.id, p.email, p.name FROM identities i JOIN people p ON p.id = i.user_id
  WHERE i.issuer = provider AND i.subject = wanted
$$;
CREATE FUNCTION workspace_named(wanted text) RETURNS TABLE (id uuid, name text, time_zone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  -- The workspace of a setting, by id or name, or the only one there is; none where several could be meant.
  SELECT min(w.id::text)::uuid, min(w.name), min(w.time_zone) FROM workspaces w
  WHERE wanted = '' OR w.id::text = lower(wanted) OR lower(w.name) = lower(wanted)
  HAVING count(*) = 1
$$;
REVOKE ALL ON FUNCTION identity_of(text, text), workspace_named(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity_of(text, text), workspace_named(text) TO {APP}
""",
]

CLAIM_KEY: Final = [
    """
CREATE FUNCTION key_lock(studio uuid, person uuid, wanted text) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  -- The lock of an idempotency key.
  SELECT hashtextextended(concat(studio, ':', person, ':', wanted), 0)
$$
""",
    """
CREATE FUNCTION claim_key(studio uuid, person uuid, wanted text) RETURNS boolean LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, public AS $$
BEGIN
  -- Takes an idempotency key that nobody used before. Where it is known or in use it fails, and what was sent after it
  -- does not run. It looks once it has the lock, so that it sees the answer of whoever held it.
  IF pg_try_advisory_xact_lock(key_lock(studio, person, wanted)) THEN
    PERFORM FROM idempotency_answers WHERE workspace_id = studio AND user_id = person AND key = wanted;
    IF NOT FOUND THEN
      RETURN true;
    END IF;
  END IF;
  RAISE EXCEPTION 'this idempotency key is not new' USING ERRCODE = 'TSKEY';
END $$
""",
]
