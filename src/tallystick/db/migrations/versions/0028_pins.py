"""The work that people pin, to start their timer with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import security

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "pinned_work",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("(project_id IS NULL) <> (task_id IS NULL)", name=op.f("ck_pinned_work_of_one")),
        sa.CheckConstraint("position > 0", name=op.f("ck_pinned_work_position")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_pinned_work_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_pinned_work_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_pinned_work_workspace_id_project_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_pinned_work_workspace_id_task_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pinned_work")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_pinned_work_workspace_id_id")),
    )
    project, task = sa.text("project_id IS NOT NULL"), sa.text("task_id IS NOT NULL")
    for name, column, given in (
        ("uq_pinned_work_project", "project_id", project),
        ("uq_pinned_work_task", "task_id", task),
    ):
        mine = ["workspace_id", "user_id", column]
        op.create_index(name, "pinned_work", mine, unique=True, postgresql_where=given)
    for name, column, given in (
        ("ix_pinned_work_project", "project_id", project),
        ("ix_pinned_work_task", "task_id", task),
    ):
        op.create_index(name, "pinned_work", ["workspace_id", column], unique=False, postgresql_where=given)
    for statement in security.tenant_table("pinned_work"):
        op.execute(statement)
