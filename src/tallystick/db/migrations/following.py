"""SQL by which the change feed learns of every write, and the audit log of every event.

Each writing statement puts what it changed into `change_queue`, in its own transaction. What is committed there is
entered afterwards, by whoever wants to know (`enter_changes`) or else by the worker, a moment later: it takes the
workspace's head, numbers the changes of whole transactions, and moves them to `changes`. So numbers have no gap, and
rise in the order in which changes can be seen. The events of a transaction become one entry of `audit_log`, chained to
the one before by a hash. Whoever writes neither numbers nor waits (decision 0028).

A migration that follows another table ends with `LEAN_NOTES`: the functions below speak as they did up to `0030`.
"""

from __future__ import annotations

from typing import Final

from tallystick.db.migrations.security import APP, HERE

AUDIT_DIGEST: Final = [
    """
CREATE FUNCTION audit_digest(previous bytea, entry audit_log) RETURNS bytea LANGUAGE sql STABLE
SET search_path = pg_catalog, public AS $$
  -- What chains the entries of the audit log. JSON has no control characters: the parts cannot run together.
  SELECT sha256(previous || convert_to(concat_ws(E'\\x1e', entry.sequence,
    to_char(entry.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), coalesce(entry.actor_id::text, ''),
    coalesce(entry.origin::text, ''), (
      SELECT string_agg(concat_ws(E'\\x1f', event.id, event.type, event.resource, event.resource_id,
               coalesce(event.before::text, ''), event.data::text), E'\\x1d' ORDER BY event.id)
      FROM events AS event WHERE event.workspace_id = entry.workspace_id AND event.id = ANY(entry.event_ids)
    )), 'UTF8'))
$$
""",
    "REVOKE ALL ON FUNCTION audit_digest(bytea, audit_log) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION audit_digest(bytea, audit_log) TO tallystick_app",
]

NUMBER_CHANGES: Final = [
    """
CREATE FUNCTION number_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
AS $$
DECLARE
  told uuid[];
  head change_heads;
  entry audit_log;
BEGIN
  SELECT array_agg(resource_id ORDER BY position) INTO told FROM change_queue
  WHERE transaction = NEW.transaction AND workspace_id = NEW.workspace_id AND resource = 'event';

  WITH moved AS (
    DELETE FROM change_queue WHERE transaction = NEW.transaction AND workspace_id = NEW.workspace_id
    RETURNING position, resource, resource_id, person_id, what
  ), merged AS (
    SELECT max(position) AS position, resource, resource_id, person_id,
           CASE WHEN bool_or(what = 'deleted') THEN 'deleted' WHEN bool_or(what = 'created') THEN 'created'
                ELSE 'updated' END AS what
    FROM moved WHERE resource <> 'event' GROUP BY resource, resource_id, person_id
  ), numbered AS (
    INSERT INTO change_heads AS known (workspace_id, last, audited, audit_hash)
    SELECT NEW.workspace_id, count(*), 0, ''::bytea FROM merged
    ON CONFLICT (workspace_id) DO UPDATE SET last = known.last + EXCLUDED.last
    RETURNING last
  )
  INSERT INTO changes (workspace_id, sequence, resource, resource_id, person_id, what, changed_at)
  SELECT NEW.workspace_id, numbered.last - count(*) OVER () + row_number() OVER (ORDER BY merged.position),
         merged.resource, merged.resource_id, merged.person_id, merged.what, clock_timestamp()
  FROM merged, numbered;

  IF told IS NOT NULL THEN
    SELECT * INTO head FROM change_heads WHERE workspace_id = NEW.workspace_id;
    SELECT NEW.workspace_id, head.audited + 1, event.occurred_at, event.actor_id, event.origin, told
    INTO entry.workspace_id, entry.sequence, entry.occurred_at, entry.actor_id, entry.origin, entry.event_ids
    FROM events AS event WHERE event.id = told[1];
    entry.hash := audit_digest(head.audit_hash, entry);
    INSERT INTO audit_log VALUES (entry.*);
    UPDATE change_heads SET audited = entry.sequence, audit_hash = entry.hash WHERE workspace_id = NEW.workspace_id;
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE CONSTRAINT TRIGGER numbered AFTER INSERT ON change_queue DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.first) EXECUTE FUNCTION number_changes()
""",
    "REVOKE ALL ON FUNCTION number_changes() FROM PUBLIC",
]

AUDIT_DIGEST_PLANNED_ONCE: Final = (
    AUDIT_DIGEST[0]
    .replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    .replace("LANGUAGE sql", "LANGUAGE plpgsql")
    .replace("  SELECT sha256(", "BEGIN\n  RETURN sha256(")
    .replace("'UTF8'))\n$$", "'UTF8'));\nEND $$")
)
"""`AUDIT_DIGEST` with a plan that a connection keeps, where one in SQL is planned for each transaction."""

AUDIT_DIGEST_PLANNED_FOR_ANY: Final = (
    "ALTER FUNCTION audit_digest(bytea, audit_log) SET plan_cache_mode = force_generic_plan"
)
"""One plan for however many events, where planning for each entry took five times as long as its digest."""

NUMBER_CHANGES_AT_ONCE: Final = """
CREATE OR REPLACE FUNCTION number_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
  many bigint;
  told uuid[];
  head change_heads;
  entry audit_log;
BEGIN
  -- The head is the lock behind which commits of a workspace queue up; whoever holds it numbers what they changed.
  SELECT * INTO head FROM change_heads WHERE workspace_id = NEW.workspace_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO change_heads VALUES (NEW.workspace_id, 0, 0, '') ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM change_heads WHERE workspace_id = NEW.workspace_id FOR NO KEY UPDATE;
  END IF;
  SELECT count(*) FILTER (WHERE resource <> 'event'),
         array_agg(resource_id ORDER BY position) FILTER (WHERE resource = 'event')
  INTO many, told FROM change_queue WHERE transaction = NEW.transaction AND workspace_id = NEW.workspace_id;

  IF many = 1 THEN
    head.last := head.last + 1;
    INSERT INTO changes (workspace_id, sequence, resource, resource_id, person_id, what, changed_at)
    SELECT workspace_id, head.last, resource, resource_id, person_id, what, clock_timestamp() FROM change_queue
    WHERE transaction = NEW.transaction AND workspace_id = NEW.workspace_id AND resource <> 'event';
  ELSIF many > 1 THEN
    INSERT INTO changes (workspace_id, sequence, resource, resource_id, person_id, what, changed_at)
    SELECT NEW.workspace_id, head.last + row_number() OVER (ORDER BY max(position)), resource, resource_id, person_id,
           CASE WHEN bool_or(what = 'deleted') THEN 'deleted' WHEN bool_or(what = 'created') THEN 'created'
                ELSE 'updated' END, clock_timestamp()
    FROM change_queue
    WHERE transaction = NEW.transaction AND workspace_id = NEW.workspace_id AND resource <> 'event'
    GROUP BY resource, resource_id, person_id;
    GET DIAGNOSTICS many = ROW_COUNT;
    head.last := head.last + many;
  END IF;
  DELETE FROM change_queue WHERE transaction = NEW.transaction AND workspace_id = NEW.workspace_id;

  IF told IS NOT NULL THEN
    SELECT NEW.workspace_id, head.audited + 1, event.occurred_at, event.actor_id, event.origin, told
    INTO entry.workspace_id, entry.sequence, entry.occurred_at, entry.actor_id, entry.origin, entry.event_ids
    FROM events AS event WHERE event.id = told[1];
    entry.hash := audit_digest(head.audit_hash, entry);
    INSERT INTO audit_log VALUES (entry.*);
    head.audited := entry.sequence;
    head.audit_hash := entry.hash;
  END IF;
  UPDATE change_heads SET last = head.last, audited = head.audited, audit_hash = head.audit_hash
  WHERE workspace_id = NEW.workspace_id;
  RETURN NULL;
END $$
"""
"""`NUMBER_CHANGES` with one write of the head, and a short way for the usual transaction: one change, and its event."""

_HEAD_HELD: Final = """\
  -- Enters what is committed and not entered yet, but no part of the transaction that asks: that one is not over.
  -- Answers the number of the last change, and whether there is more: of many rows it takes what can be done in time.
  -- The queue is full of rows that are gone: walking an index cleans it of them, which no other way of reading does.
  more := false;
  IF NOT EXISTS (SELECT FROM change_queue WHERE workspace_id = studio AND transaction <> own) THEN
    last := coalesce((SELECT known.last FROM change_heads AS known WHERE workspace_id = studio), 0);
    RETURN;
  END IF;
  SELECT * INTO head FROM change_heads WHERE workspace_id = studio FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO change_heads VALUES (studio, 0, 0, '') ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM change_heads WHERE workspace_id = studio FOR NO KEY UPDATE;
  END IF;

"""
"""How `enter_changes` begins: it is over where nothing waits, else it holds the head."""
ENTER_CHANGES: Final = [
    f"""
CREATE FUNCTION enter_changes(OUT last bigint, OUT more boolean) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  studio uuid := {HERE};
  own bigint := coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0);
  head change_heads;
  ended bigint[];
  many bigint;
  entry audit_log;
BEGIN
{_HEAD_HELD}  -- By their last writes: what builds on another transaction was written after that one's end.
  SELECT array_agg(transaction ORDER BY ends) FILTER (WHERE before < 5000), coalesce(bool_or(before >= 5000), false)
  INTO ended, more
  FROM (
    SELECT transaction, max(position) AS ends, sum(count(*)) OVER (ORDER BY max(position)) - count(*) AS before
    FROM change_queue WHERE workspace_id = studio AND transaction <> own GROUP BY transaction
  ) AS one;
  INSERT INTO changes (workspace_id, sequence, resource, resource_id, person_id, what, changed_at)
  SELECT studio, head.last + row_number() OVER (ORDER BY one.place, max(position)), resource, resource_id, person_id,
         CASE WHEN bool_or(what = 'deleted') THEN 'deleted' WHEN bool_or(what = 'created') THEN 'created'
              ELSE 'updated' END, clock_timestamp()
  FROM unnest(ended) WITH ORDINALITY AS one (transaction, place) JOIN change_queue USING (transaction)
  WHERE workspace_id = studio AND resource <> 'event'
  GROUP BY one.place, resource, resource_id, person_id;
  GET DIAGNOSTICS many = ROW_COUNT;
  head.last := head.last + many;

  FOR entry IN
    SELECT studio, head.audited + row_number() OVER (ORDER BY told.place), event.occurred_at, event.actor_id,
           event.origin, told.ids, ''::bytea
    FROM (
      SELECT one.place, array_agg(resource_id ORDER BY position) AS ids
      FROM unnest(ended) WITH ORDINALITY AS one (transaction, place) JOIN change_queue USING (transaction)
      WHERE workspace_id = studio AND resource = 'event'
      GROUP BY one.place
    ) AS told JOIN events AS event ON event.id = told.ids[1] ORDER BY told.place
  LOOP
    entry.hash := audit_digest(head.audit_hash, entry);
    INSERT INTO audit_log VALUES (entry.*);
    head.audited := entry.sequence;
    head.audit_hash := entry.hash;
  END LOOP;

  DELETE FROM change_queue WHERE workspace_id = studio AND transaction = ANY(ended);
  UPDATE change_heads AS known SET last = head.last, audited = head.audited, audit_hash = head.audit_hash
  WHERE workspace_id = studio;
  last := head.last;
END $$
""",
    "REVOKE ALL ON FUNCTION enter_changes() FROM PUBLIC",
    f"GRANT EXECUTE ON FUNCTION enter_changes() TO {APP}",
    f"""
CREATE FUNCTION has_changes(after bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE studio uuid := {HERE};
BEGIN
  -- Whether anything changed behind a number, entered or not. Takes no lock.
  RETURN EXISTS (SELECT FROM change_heads WHERE workspace_id = studio AND last > after)
      OR EXISTS (SELECT FROM change_queue WHERE workspace_id = studio AND resource <> 'event');
END $$
""",
    "REVOKE ALL ON FUNCTION has_changes(bigint) FROM PUBLIC",
    f"GRANT EXECUTE ON FUNCTION has_changes(bigint) TO {APP}",
]

_AUDIT_TEXT: Final = AUDIT_DIGEST[0].partition("convert_to(")[2].rpartition(", 'UTF8'))")[0]
"""What of an `entry` goes into its hash."""
ENTER_CHANGES_IN_ONE_PASS: Final = [
    """
CREATE FUNCTION audit_link(hash bytea, previous bytea, said bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT sha256(coalesce(hash, previous) || said)
$$
""",
    # The hashes of entries in their order, each over the one before; the first over `previous`.
    "CREATE AGGREGATE audit_chain(previous bytea, said bytea) (SFUNC = audit_link, STYPE = bytea)",
    "REVOKE ALL ON FUNCTION audit_link(bytea, bytea, bytea) FROM PUBLIC",
    "REVOKE ALL ON FUNCTION audit_chain(bytea, bytea) FROM PUBLIC",
    f"""
CREATE OR REPLACE FUNCTION enter_changes(OUT last bigint, OUT more boolean) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  studio uuid := {HERE};
  own bigint := coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0);
  head change_heads;
  ended bigint[];
  many bigint;
  told uuid[];
  places bigint[];
  entered_last bigint;
  entered_hash bytea;
BEGIN
{_HEAD_HELD}  -- By their last writes: what builds on another transaction was written after that one's end.
  SELECT array_agg(transaction) FILTER (WHERE before < 5000), coalesce(bool_or(before >= 5000), false)
  INTO ended, more
  FROM (
    SELECT transaction, sum(count(*)) OVER (ORDER BY max(position)) - count(*) AS before
    FROM change_queue WHERE workspace_id = studio AND transaction <> own GROUP BY transaction
  ) AS one;

  -- Joined with nothing: a plan that fits few transactions would take the square of them where thousands wait.
  WITH gone AS (
    DELETE FROM change_queue WHERE workspace_id = studio AND transaction = ANY(ended)
    RETURNING transaction, position, resource, resource_id, person_id, what
  ), placed AS (
    SELECT max(position) OVER (PARTITION BY transaction) AS place, position, resource, resource_id, person_id, what
    FROM gone
  ), entered AS (
    INSERT INTO changes (workspace_id, sequence, resource, resource_id, person_id, what, changed_at)
    SELECT studio, head.last + row_number() OVER (ORDER BY place, max(position)), resource, resource_id, person_id,
           CASE WHEN bool_or(what = 'deleted') THEN 'deleted' WHEN bool_or(what = 'created') THEN 'created'
                ELSE 'updated' END, clock_timestamp()
    FROM placed WHERE resource <> 'event' GROUP BY place, resource, resource_id, person_id
    RETURNING sequence
  )
  SELECT (SELECT count(*) FROM entered), array_agg(resource_id ORDER BY place, position),
         array_agg(place ORDER BY place, position)
  INTO many, told, places FROM placed WHERE resource = 'event';
  head.last := head.last + many;

  WITH written AS (
    INSERT INTO audit_log (workspace_id, sequence, occurred_at, actor_id, origin, event_ids, hash)
    SELECT entry.*, audit_chain(head.audit_hash, convert_to({_AUDIT_TEXT}, 'UTF8')) OVER (ORDER BY entry.sequence)
    FROM (
      SELECT studio AS workspace_id, head.audited + row_number() OVER (ORDER BY one.place) AS sequence,
             event.occurred_at, event.actor_id, event.origin, one.ids AS event_ids
      FROM (
        SELECT place, array_agg(id ORDER BY number) AS ids
        FROM unnest(told, places) WITH ORDINALITY AS each (id, place, number) GROUP BY place
      ) AS one JOIN events AS event ON event.id = one.ids[1]
    ) AS entry
    RETURNING sequence, hash
  )
  SELECT sequence, hash INTO entered_last, entered_hash FROM written ORDER BY sequence DESC LIMIT 1;

  UPDATE change_heads AS known SET last = head.last, audited = coalesce(entered_last, head.audited),
    audit_hash = coalesce(entered_hash, head.audit_hash)
  WHERE workspace_id = studio;
  last := head.last;
END $$
""",
]

_NOTES_BEFORE: Final = """(transaction, workspace_id, resource, resource_id, person_id, what, first)
  SELECT told.*, row_number() OVER (PARTITION BY told.workspace_id) = 1 AND NOT EXISTS (
           SELECT FROM change_queue AS known
           WHERE known.transaction = told.transaction AND known.workspace_id = told.workspace_id)
  FROM (SELECT pg_current_xact_id()::text::bigint, said.* FROM (SELECT """
_NOTES_BEHIND: Final = """) AS said)
    AS told (transaction, workspace_id, resource, resource_id, person_id, what);
"""
LEAN_NOTES: Final = f"""
DO $do$
DECLARE
  note record;
BEGIN
  -- Nothing has to run at the commit: no row has to say whether it is its transaction's first.
  FOR note IN
    SELECT pg_get_functiondef(oid) AS was FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace AND prosrc LIKE '%INSERT INTO change_queue%what, first)%'
  LOOP
    EXECUTE replace(replace(note.was, $old${_NOTES_BEFORE}$old$,
      $new$(transaction, workspace_id, resource, resource_id, person_id, what)
  SELECT pg_current_xact_id()::text::bigint, said.* FROM (SELECT $new$), $old${_NOTES_BEHIND}$old$, $new$) AS said;
$new$);
  END LOOP;
END $do$
"""
"""Makes the functions below as they are since `0031`; those that are so already stay."""

GONE: Final = {"members": "removed_at", "credit_notes": None}
"""Tables whose rows are gone when another column than `deleted_at` is set; None: never."""


def follow(table: str, resource: str) -> list[str]:
    """Tell the feed of every row of a tenant table that is written."""
    gone = GONE.get(table, "deleted_at")
    what = "'updated'"
    if gone is not None:
        what = f"CASE WHEN now.{gone} IS NOT NULL AND was.{gone} IS NULL THEN 'deleted' "
        what += f"WHEN now.{gone} IS NULL AND was.{gone} IS NOT NULL THEN 'created' ELSE 'updated' END"
    return [
        *_on(table, "INSERT", "NEW TABLE AS now", f"workspace_id, '{resource}', id, NULL::uuid, 'created' FROM now"),
        *_on(
            table,
            "UPDATE",
            "OLD TABLE AS was NEW TABLE AS now",
            f"now.workspace_id, '{resource}', now.id, NULL::uuid, {what} FROM now JOIN was ON was.id = now.id",
        ),
    ]


def audit_events() -> list[str]:
    """Enter the events of a transaction in the audit log, as one entry."""
    said = "workspace_id, 'event', id, NULL::uuid, 'created' FROM now"
    return _on("events", "INSERT", "NEW TABLE AS now", said, "audit")


def follow_part(table: str, resource: str, column: str) -> list[str]:
    """A row of this table is a part of what is told of a resource: that changes with it."""
    said = f"DISTINCT workspace_id, '{resource}', {column}, NULL::uuid, 'updated' FROM"
    return [
        *_on(table, "INSERT", "NEW TABLE AS now", f"{said} now"),
        *_on(table, "DELETE", "OLD TABLE AS was", f"{said} was"),
    ]


def follow_changing_part(table: str, resource: str, column: str) -> list[str]:
    """`follow_part` of rows that also change themselves."""
    said = f"DISTINCT workspace_id, '{resource}', {column}, NULL::uuid, 'updated' FROM now"
    return [*follow_part(table, resource, column), *_on(table, "UPDATE", "NEW TABLE AS now", said)]


def follow_rates() -> list[str]:
    """What a client, project or task shows as its rate changes with the rates that begin there."""
    said = " UNION ".join(
        f"SELECT workspace_id, '{resource}', {resource}_id, NULL::uuid, 'updated' FROM now WHERE scope = '{scope}'"
        for resource, scope in (("client", "CLIENT"), ("project", "PROJECT"), ("task", "TASK"))
    ).removeprefix("SELECT ")
    return [
        *_on("rates", "INSERT", "NEW TABLE AS now", said, "place"),
        *_on("rates", "UPDATE", "NEW TABLE AS now", said, "place"),
    ]


def follow_milestone_access(table: str) -> list[str]:
    """`follow_access` for the milestones of the project."""

    def said(rows: str) -> str:
        return (
            f"milestone.workspace_id, 'milestone', milestone.id, {rows}.user_id, 'updated' FROM {rows} "
            f"JOIN milestones AS milestone ON milestone.workspace_id = {rows}.workspace_id "
            f"AND milestone.project_id = {rows}.project_id"
        )

    return [
        *_on(table, "INSERT", "NEW TABLE AS now", said("now"), "milestone_access"),
        *_on(table, "DELETE", "OLD TABLE AS was", said("was"), "milestone_access"),
    ]


def enter_older_rows(followed: dict[str, str]) -> list[str]:
    """Rows that were there before their table was followed enter the feed behind all that is in it."""
    known = " UNION ALL ".join(
        f"SELECT workspace_id, {rank} AS rank, '{resource}' AS resource, id, created_at FROM {table}"
        + (f" WHERE {gone} IS NULL" if (gone := GONE.get(table, "deleted_at")) else "")
        for rank, (table, resource) in enumerate(followed.items())
    )
    return [
        f"""
        INSERT INTO changes (workspace_id, sequence, resource, resource_id, what, changed_at)
        SELECT known.workspace_id, coalesce(head.last, 0)
               + row_number() OVER (PARTITION BY known.workspace_id ORDER BY known.rank, known.created_at, known.id),
               known.resource, known.id, 'created', now()
        FROM ({known}) AS known LEFT JOIN change_heads AS head ON head.workspace_id = known.workspace_id
        """,
        """
        INSERT INTO change_heads AS head (workspace_id, last, audited, audit_hash)
        SELECT workspace_id, max(sequence), 0, '' FROM changes GROUP BY 1
        ON CONFLICT (workspace_id) DO UPDATE SET last = EXCLUDED.last
        """,
    ]


def follow_access(table: str) -> list[str]:
    """Who gets on a project sees it and its tasks from now on, who leaves it no longer; no other Member hears of it."""

    def said(rows: str) -> str:
        return (
            f"workspace_id, 'project', project_id, user_id, 'updated' FROM {rows} UNION ALL "
            f"SELECT task.workspace_id, 'task', task.id, {rows}.user_id, 'updated' FROM {rows} "
            f"JOIN tasks AS task ON task.workspace_id = {rows}.workspace_id AND task.project_id = {rows}.project_id"
        )

    return [
        *_on(table, "INSERT", "NEW TABLE AS now", said("now"), "access"),
        *_on(table, "DELETE", "OLD TABLE AS was", said("was"), "access"),
    ]


def follow_people() -> list[str]:
    """A person's name and e-mail are shown with each of their memberships."""
    return _on(
        "people",
        "UPDATE",
        "OLD TABLE AS was NEW TABLE AS now",
        "member.workspace_id, 'member', member.id, NULL::uuid, 'updated' FROM now JOIN was ON was.id = now.id "
        "JOIN members AS member ON member.user_id = now.id WHERE (now.name, now.email) <> (was.name, was.email)",
    )


def follow_kept(table: str, resource: str) -> list[str]:
    """`follow` for a table whose rows never go."""
    return [
        *_on(table, "INSERT", "NEW TABLE AS now", f"workspace_id, '{resource}', id, NULL::uuid, 'created' FROM now"),
        *_on(table, "UPDATE", "NEW TABLE AS now", f"workspace_id, '{resource}', id, NULL::uuid, 'updated' FROM now"),
    ]


def _on(table: str, verb: str, rows: str, said: str, what: str = "change") -> list[str]:
    name = f"note_{what}_of_{table}_{verb.lower()}"
    return [
        f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
  INSERT INTO change_queue (transaction, workspace_id, resource, resource_id, person_id, what, first)
  SELECT told.*, row_number() OVER (PARTITION BY told.workspace_id) = 1 AND NOT EXISTS (
           SELECT FROM change_queue AS known
           WHERE known.transaction = told.transaction AND known.workspace_id = told.workspace_id)
  FROM (SELECT pg_current_xact_id()::text::bigint, said.* FROM (SELECT {said}) AS said)
    AS told (transaction, workspace_id, resource, resource_id, person_id, what);
  RETURN NULL;
END $$
""",
        f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC",
        f"""
CREATE TRIGGER {name} AFTER {verb} ON {table} REFERENCING {rows}
FOR EACH STATEMENT EXECUTE FUNCTION {name}()
""",
    ]
