"""What a studio keeps beside its work: statuses, priorities, categories, milestones, contacts, checklists, comments,
notes, API keys; and whole numbers for everything that an API calls by one.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0005"
down_revision = "0004"

NEW_TABLES: Final = (
    "task_statuses",
    "task_priorities",
    "categories",
    "category_members",
    "contacts",
    "milestones",
    "project_managers",
    "checklist_items",
    "comments",
    "notes",
    "api_keys",
)
COUNTED_BEFORE: Final = (
    "clients",
    "projects",
    "tasks",
    "time_entries",
    "expenses",
    "invoices",
    "invoice_lines",
    "payments",
)
LIVE: Final = "deleted_at IS NULL"
NEW_ID: Final = """
CAST(encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
    substring(int8send(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex') AS uuid)
"""
"""A UUIDv7, also on PostgreSQL before 18."""


def upgrade() -> None:
    op.execute(security.FILED_INVOICES)
    words()
    counted_tables()
    people()
    rows_of_before()
    tables_about_work()
    for table in NEW_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)
    op.execute(security.OPEN_BY_API_KEY)


def words() -> None:
    """Statuses, priorities, categories: for the workspaces that there are as for those to come."""
    for table, kinds in (
        ("task_statuses", "'TODO', 'IN_PROGRESS', 'DONE'"),
        ("task_priorities", "'LOW', 'MEDIUM', 'HIGH'"),
    ):
        tenant(
            table,
            sa.Column("number", sa.BigInteger(), nullable=False),
            sa.Column("title", sa.Text(), nullable=False),
            sa.Column("color", sa.Text(), nullable=False),
            sa.Column("kind", sa.Text(), nullable=False),
            sa.Column("position", sa.BigInteger(), nullable=False),
            *times(),
            check(table, "number", "number >= 1"),
            check(table, "kind", f"kind IN ({kinds})"),
            unique(table, "workspace_id", "number"),
            unique(table, "workspace_id", "id", "kind"),
        )
    tenant(
        "categories",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("visibility", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("icon", sa.Text(), nullable=True),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("system_default", sa.Boolean(), nullable=False),
        *made(),
        check("categories", "number", "number >= 1"),
        check("categories", "type", "type IN ('project', 'client', 'invoice', 'expense')"),
        check("categories", "system_default_stays", "NOT system_default OR deleted_at IS NULL"),
        within("categories", "created_by", "members", "user_id"),
        unique("categories", "workspace_id", "number"),
    )
    op.create_index(
        "uq_categories_name",
        "categories",
        ["workspace_id", "type", sa.text("lower(name)")],
        unique=True,
        postgresql_where=LIVE,
    )
    op.create_index(
        "uq_categories_system_default",
        "categories",
        ["workspace_id", "type"],
        unique=True,
        postgresql_where="system_default",
    )
    pairs("category_members", "category_id", "categories")
    op.execute(f"""
        INSERT INTO task_statuses (id, workspace_id, number, title, color, kind, position, created_at, updated_at)
        SELECT {NEW_ID}, workspaces.id, number, title, color, kind, number, now(), now()
        FROM workspaces, (VALUES (1, 'To do', 'default', 'TODO'), (2, 'In progress', 'info', 'IN_PROGRESS'),
                                 (3, 'Completed', 'success', 'DONE')) AS of_all (number, title, color, kind)
        ORDER BY workspaces.id, number
    """)
    op.execute(f"""
        INSERT INTO task_priorities (id, workspace_id, number, title, color, kind, position, created_at, updated_at)
        SELECT {NEW_ID}, workspaces.id, number, title, color, kind, number, now(), now()
        FROM workspaces, (VALUES (1, 'Low', 'success', 'LOW'), (2, 'Normal', 'default', 'MEDIUM'),
                                 (3, 'High', 'warning', 'HIGH'), (4, 'Urgent', 'danger', 'HIGH'))
                         AS of_all (number, title, color, kind)
        ORDER BY workspaces.id, number
    """)
    op.execute(f"""
        INSERT INTO categories (id, workspace_id, number, name, type, visibility, slug, system_default,
                                created_at, updated_at)
        SELECT {NEW_ID}, workspaces.id, number, 'Default', type, 'everyone', number || '-default', true, now(), now()
        FROM workspaces,
             unnest(ARRAY['project', 'client', 'invoice', 'expense']) WITH ORDINALITY AS of_all (type, number)
        ORDER BY workspaces.id, number
    """)
    for table, noun in (
        ("task_statuses", "task_status"),
        ("task_priorities", "task_priority"),
        ("categories", "category"),
    ):
        told(table, noun)


def counted_tables() -> None:
    """Serials and makers of what there was; where it is filed, what it is tagged with."""
    for table in COUNTED_BEFORE:
        # Rows of before are counted in the order in which they lie.
        op.add_column(table, sa.Column("serial", sa.BigInteger(), sa.Identity(), nullable=False))
        op.create_unique_constraint(op.f(f"uq_{table}_workspace_id_serial"), table, ["workspace_id", "serial"])
        if table not in ("time_entries", "invoice_lines", "tasks"):
            added(table, sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False), "'{}'")
        if table != "invoice_lines":
            op.add_column(table, sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True))
            foreign_key(table, ["created_by"], "members", ["user_id"])
    for kind, table in (
        ("project", "projects"),
        ("client", "clients"),
        ("invoice", "invoices"),
        ("expense", "expenses"),
    ):
        op.add_column(table, sa.Column("category_id", sa.UUID(as_uuid=False), nullable=True))
        op.execute(f"""
            UPDATE {table} AS filed SET category_id = category.id FROM categories AS category
            WHERE category.workspace_id = filed.workspace_id AND category.type = '{kind}' AND category.system_default
        """)
        op.alter_column(table, "category_id", nullable=False)
        foreign_key(table, ["category_id"], "categories", ["id"])
        op.create_index(f"ix_{table}_category", table, ["workspace_id", "category_id"], unique=False)
    op.add_column("invoices", sa.Column("terms", sa.Text(), nullable=True))
    op.add_column("invoices", sa.Column("project_id", sa.UUID(as_uuid=False), nullable=True))
    foreign_key("invoices", ["project_id"], "projects", ["id"])
    added("payments", sa.Column("gateway", sa.Text(), nullable=False), "'bank'")
    op.add_column("payments", sa.Column("transaction_id", sa.Text(), nullable=True))
    op.alter_column("expenses", "client_id", nullable=True)


def people() -> None:
    """Numbers of members; the contacts of clients."""
    op.add_column("members", sa.Column("number", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE members SET number = counted.number
        FROM (SELECT id, row_number() OVER (PARTITION BY workspace_id
                                            ORDER BY created_at, role <> 'OWNER', id) AS number
              FROM members) AS counted
        WHERE counted.id = members.id
    """)
    op.alter_column("members", "number", nullable=False)
    op.create_check_constraint(op.f("ck_members_number"), "members", "number >= 1")
    op.create_unique_constraint(op.f("uq_members_workspace_id_number"), "members", ["workspace_id", "number"])
    for name in ("phone", "job_position"):
        op.add_column("members", sa.Column(name, sa.Text(), nullable=True))
    added("clients", sa.Column("status", sa.Text(), nullable=False), "'ACTIVE'")
    op.create_check_constraint(op.f("ck_clients_status"), "clients", "status IN ('ACTIVE', 'SUSPENDED')")
    counted(
        "contacts",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("first_name", "last_name", "email")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("phone", "job_position")),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        *times(),
        check("contacts", "email_is_lower", "email = lower(email)"),
        within("contacts", "client_id", "clients"),
    )
    op.create_index("ix_contacts_client", "contacts", ["workspace_id", "client_id"], unique=False)
    op.create_index("uq_contacts_email", "contacts", ["workspace_id", "email"], unique=True, postgresql_where=LIVE)
    op.create_index(
        "uq_contacts_primary",
        "contacts",
        ["workspace_id", "client_id"],
        unique=True,
        postgresql_where=f"is_primary AND {LIVE}",
    )


def rows_of_before() -> None:
    """Milestones, and what projects and tasks have besides."""
    counted(
        "milestones",
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("uncategorised", sa.Boolean(), nullable=False),
        *made(),
        within("milestones", "project_id", "projects"),
        within("milestones", "created_by", "members", "user_id"),
        unique("milestones", "workspace_id", "id", "project_id"),
    )
    op.create_index(
        "uq_milestones_title",
        "milestones",
        ["workspace_id", "project_id", sa.text("lower(title)")],
        unique=True,
        postgresql_where=LIVE,
    )
    op.create_index(
        "uq_milestones_uncategorised",
        "milestones",
        ["workspace_id", "project_id"],
        unique=True,
        postgresql_where="uncategorised",
    )
    op.execute(f"""
        INSERT INTO milestones (id, workspace_id, project_id, title, color, position, uncategorised,
                                created_at, updated_at, deleted_at)
        SELECT {NEW_ID}, workspace_id, id, 'Uncategorised', 'default', 1, true, now(), now(), deleted_at
        FROM projects ORDER BY serial
    """)
    told("milestones", "milestone")
    projects()
    tasks()


def projects() -> None:
    pairs("project_managers", "project_id", "projects")
    added("projects", sa.Column("stage", sa.Text(), nullable=False), "'NOT_STARTED'")
    op.execute("""
        UPDATE projects SET stage = CASE WHEN status = 'COMPLETED' THEN 'COMPLETED' ELSE 'IN_PROGRESS' END
        WHERE status = 'COMPLETED' OR EXISTS (
            SELECT FROM time_entries AS entry
            WHERE entry.workspace_id = projects.workspace_id AND entry.project_id = projects.id)
    """)
    op.add_column("projects", sa.Column("reference", sa.Text(), nullable=True))
    added("projects", sa.Column("progress", sa.BigInteger(), nullable=False), "0")
    for name in (
        "progress_manually",
        "clients_see_tasks",
        "clients_work_on_tasks",
        "clients_create_tasks",
        "clients_see_time",
        "clients_see_expenses",
        "assigned_work_on_tasks",
    ):
        added("projects", sa.Column(name, sa.Boolean(), nullable=False), "false")
    for name in ("estimated_hours", "estimated_costs"):
        op.add_column("projects", sa.Column(name, sa.Numeric(19, 4), nullable=True))
    for name, condition in (
        ("stage", "stage IN ('NOT_STARTED', 'IN_PROGRESS', 'ON_HOLD', 'CANCELLED', 'COMPLETED')"),
        ("in_step", "status = 'ARCHIVED' OR (status = 'COMPLETED') = (stage = 'COMPLETED')"),
        ("progress", "progress BETWEEN 0 AND 100"),
        ("estimates_not_negative", "estimated_hours >= 0 AND estimated_costs >= 0"),
    ):
        op.create_check_constraint(op.f(f"ck_projects_{name}"), "projects", condition)


def tasks() -> None:
    for name in ("status_id", "priority_id", "milestone_id", "completed_by"):
        op.add_column("tasks", sa.Column(name, sa.UUID(as_uuid=False), nullable=True))
    for name in ("status_changed_at", "completed_at", "archived_at"):
        op.add_column("tasks", sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=True))
    added("tasks", sa.Column("position", sa.BigInteger(), nullable=False), "0")
    added("tasks", sa.Column("client_visible", sa.Boolean(), nullable=False), "false")
    # When a task of before was done is not known better than that it was done when it was last changed.
    op.execute("""
        UPDATE tasks SET status_id = status.id, priority_id = priority.id, milestone_id = milestone.id,
            position = counted.position, completed_at = CASE WHEN tasks.status = 'DONE' THEN tasks.updated_at END
        FROM task_statuses AS status, task_priorities AS priority, milestones AS milestone,
             (SELECT id, row_number() OVER (PARTITION BY workspace_id, project_id ORDER BY created_at, id) AS position
              FROM tasks) AS counted
        WHERE status.workspace_id = tasks.workspace_id AND status.kind = tasks.status
          AND priority.workspace_id = tasks.workspace_id AND priority.kind = tasks.priority AND priority.number <= 3
          AND milestone.workspace_id = tasks.workspace_id AND milestone.project_id = tasks.project_id
          AND counted.id = tasks.id
    """)
    for name in ("status_id", "priority_id", "milestone_id"):
        op.alter_column("tasks", name, nullable=False)
    foreign_key("tasks", ["status_id", "status"], "task_statuses", ["id", "kind"])
    foreign_key("tasks", ["priority_id", "priority"], "task_priorities", ["id", "kind"])
    foreign_key("tasks", ["milestone_id", "project_id"], "milestones", ["id", "project_id"])
    foreign_key("tasks", ["completed_by"], "members", ["user_id"])
    op.create_check_constraint(op.f("ck_tasks_completed_at"), "tasks", "(status = 'DONE') = (completed_at IS NOT NULL)")
    for name in ("milestone", "status", "priority"):
        op.create_index(f"ix_tasks_{name}", "tasks", ["workspace_id", f"{name}_id"], unique=False)


def tables_about_work() -> None:
    counted(
        "checklist_items",
        *(sa.Column(name, sa.UUID(as_uuid=False), nullable=True) for name in ("task_id", "project_id")),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        *made(),
        check("checklist_items", "task_or_project", "num_nonnulls(task_id, project_id) = 1"),
        within("checklist_items", "task_id", "tasks"),
        within("checklist_items", "project_id", "projects"),
        within("checklist_items", "created_by", "members", "user_id"),
    )
    counted(
        "comments",
        *(sa.Column(name, sa.UUID(as_uuid=False), nullable=True) for name in ("task_id", "checklist_item_id")),
        sa.Column("text", sa.Text(), nullable=False),
        *made(),
        check("comments", "task_or_checklist_item", "num_nonnulls(task_id, checklist_item_id) = 1"),
        within("comments", "task_id", "tasks"),
        within("comments", "checklist_item_id", "checklist_items"),
        within("comments", "created_by", "members", "user_id"),
    )
    counted(
        "notes",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("title", "description", "visibility")),
        *(
            sa.Column(name, sa.UUID(as_uuid=False), nullable=True)
            for name in ("client_id", "project_id", "task_id", "user_id")
        ),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        *made(),
        check("notes", "visibility", "visibility IN ('public', 'private')"),
        check("notes", "one_resource", "num_nonnulls(client_id, project_id, task_id, user_id) <= 1"),
        within("notes", "client_id", "clients"),
        within("notes", "project_id", "projects"),
        within("notes", "task_id", "tasks"),
        within("notes", "user_id", "members", "user_id"),
        within("notes", "created_by", "members", "user_id"),
    )
    for table, name, order in (
        ("checklist_items", "task", "position"),
        ("checklist_items", "project", "position"),
        ("comments", "task", "created_at"),
        ("comments", "checklist_item", "created_at"),
    ):
        op.create_index(
            f"ix_{table}_{name}",
            table,
            ["workspace_id", f"{name}_id", order],
            unique=False,
            postgresql_where=f"{name}_id IS NOT NULL",
        )
    op.create_index("ix_notes_created", "notes", ["workspace_id", "created_at", "id"], unique=False)
    tenant(
        "api_keys",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        within("api_keys", "created_by", "members", "user_id"),
        unique("api_keys", "prefix"),
    )


# --- how the tables above are written down


def tenant(table: str, *parts: Any) -> None:
    op.create_table(
        table,
        *parts,
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        unique(table, "workspace_id", "id"),
    )


def counted(table: str, *parts: Any) -> None:
    serial = sa.Column("serial", sa.BigInteger(), sa.Identity(), nullable=False)
    tenant(table, *parts, serial, unique(table, "workspace_id", "serial"))


def pairs(table: str, column: str, target: str) -> None:
    """Which people go with which row."""
    names = ("workspace_id", column, "user_id")
    op.create_table(
        table,
        *(sa.Column(name, sa.UUID(as_uuid=False), nullable=False) for name in names),
        within(table, column, target),
        within(table, "user_id", "members", "user_id"),
        sa.PrimaryKeyConstraint(*names, name=op.f(f"pk_{table}")),
    )


def times() -> list[Any]:
    kinds = (("created_at", False), ("updated_at", False), ("deleted_at", True))
    return [sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable) for name, nullable in kinds]


def made() -> list[Any]:
    return [sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True), *times()]


def check(table: str, name: str, condition: str) -> Any:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def unique(table: str, *columns: str) -> Any:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def within(table: str, column: str, target: str, key: str = "id") -> Any:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )


def foreign_key(table: str, columns: list[str], target: str, keys: list[str]) -> None:
    name = op.f(f"fk_{table}_workspace_id_{'_'.join(columns)}")
    op.create_foreign_key(name, table, target, ["workspace_id", *columns], ["workspace_id", *keys])


def added(table: str, column: Any, value: str) -> None:
    """A column that rows of before have this value in; those to come say their own."""
    column.server_default = sa.DefaultClause(sa.text(value))
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def told(table: str, noun: str) -> None:
    """Everything that was made has an event that tells of it; nobody did it."""
    op.execute(f"""
        INSERT INTO events (id, workspace_id, type, resource, resource_id, data, occurred_at)
        SELECT {NEW_ID}, workspace_id, '{noun}.created', '{noun}', id, to_jsonb(made), created_at FROM {table} AS made
    """)
