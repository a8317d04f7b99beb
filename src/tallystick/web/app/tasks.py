"""Tasks: as a board and as a list, and one with its steps, comments and time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tallystick.domain import checklists, comments, projects, tasks
from tallystick.domain.access import Permission
from tallystick.domain.checklists import CHECKLISTS
from tallystick.domain.comments import COMMENTS
from tallystick.domain.desk import shell, work
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.time import Sought
from tallystick.domain.tasks import PRIORITIES, STATUSES
from tallystick.values.errors import Invalid
from tallystick.web.app.visit import Answer, Page, Visit

_ITEM = ("id", "text", "done")
_COMMENT = ("id", "text", "created_at", "creator_name", "created_by")


def list_page(visit: Visit) -> Answer:
    query = visit.query
    view = "list" if query.kept("view") == "list" else "board"
    mine = query.kept("mine") == "yes"
    search = query.text("q", longest=200) or ""
    assignee = visit.actor.user_id if mine else query.id("person")
    found = work.tasks(
        visit.ctx,
        project_id=query.id("project"),
        assignee_id=assignee,
        search=search,
        shelved=query.kept("shelved") == "yes",
    )
    return visit.show(
        "tasks.html",
        tasks=found,
        lanes=[(status, [task for task in found if task.status == status]) for status in STATUSES],
        view=view,
        mine=mine,
        search=search,
        project=query.id("project"),
        person=query.id("person"),
        projects=work.project_names(visit.ctx),
        people=shell.colleagues(visit.ctx) if visit.actor.sees_everyone else [],
    )


def page(visit: Visit) -> Answer:
    task = tasks.read(visit.ctx, visit.id())
    project = projects.read(visit.ctx, task.project_id)
    steps = CHECKLISTS.page(visit.ctx, _ITEM, {"task_id": task.id}, sort="position", limit=200).rows
    said = COMMENTS.page(visit.ctx, _COMMENT, {"task_id": task.id}, sort="created_at", limit=200).rows
    today = visit.ctx.today()
    sought = Sought(today - timedelta(days=1800), today + timedelta(days=1), task_id=task.id)
    names = {user_id: name for user_id, name, _ in shell.colleagues(visit.ctx)}
    may_edit = visit.actor.may(Permission.CHANGE_TASKS) or visit.actor.user_id in task.assignee_ids
    return visit.show(
        "task.html",
        task=task,
        project=project,
        steps=[dict(zip(_ITEM, row, strict=True)) for row in steps],
        comments=[dict(zip(_COMMENT, row, strict=True)) for row in said],
        entries=desk.entries(visit.ctx, sought, limit=20),
        sums=desk.sums(visit.ctx, sought),
        assignees=[names[one] for one in task.assignee_ids if one in names],
        may_edit=may_edit,
    )


def new_page(visit: Visit) -> Answer:
    return visit.show("task_form.html", task=None, **_choices(visit))


def create(visit: Visit) -> Answer:
    project_id = visit.form.id("project_id")
    if project_id is None:
        visit.form.wrong.setdefault("project_id", "required")
    facts = _facts(visit)
    task = tasks.create(visit.ctx, project_id=project_id or "", assignee_ids=visit.form.ids("assignees"), **facts)
    return visit.back(f"/tasks/{task.id}", "{name} is added.", name=task.name)


def edit_page(visit: Visit) -> Answer:
    return visit.show("task_form.html", task=tasks.read(visit.ctx, visit.id()), **_choices(visit))


def edit(visit: Visit) -> Answer:
    facts = _facts(visit)
    if visit.actor.may(Permission.CHANGE_TASKS):
        facts["assignee_ids"] = visit.form.ids("assignees")
    else:
        facts.pop("estimated_hours")
        facts.pop("billable")
    task = tasks.change(visit.ctx, visit.id(), **facts)
    return visit.back(f"/tasks/{task.id}", "Saved.")


def set_status(visit: Visit) -> Answer:
    status = visit.form.choice("status", STATUSES)
    visit.form.check()
    if status is None:
        raise Invalid(fields={"status": "required"})
    task = tasks.change(visit.ctx, visit.id(), status=status)
    return visit.back(f"/tasks/{task.id}")


def put_aside(visit: Visit) -> Answer:
    """Shelve a task, or take it up again."""
    if visit.form.kept("shelved") == "no":
        task = tasks.unshelve(visit.ctx, visit.id())
        return visit.go(f"/tasks/{task.id}", "{name} is taken up again.", name=task.name)
    task = tasks.shelve(visit.ctx, visit.id())
    return visit.go("/tasks", "{name} is put aside.", name=task.name)


def delete(visit: Visit) -> Answer:
    task = tasks.archive(visit.ctx, visit.id())
    return visit.go(f"/projects/{task.project_id}/tasks", "{name} is deleted; its time stays.", name=task.name)


def add_step(visit: Visit) -> Answer:
    text = visit.form.need("text", longest=1000)
    visit.form.check()
    checklists.create(visit.ctx, text=text, task_id=visit.id())
    return visit.go(f"/tasks/{visit.id()}")


def tick_step(visit: Visit) -> Answer:
    if visit.form.kept("action") == "delete":
        checklists.delete(visit.ctx, visit.id("step"))
    else:
        checklists.tick(visit.ctx, visit.id("step"), done=visit.form.flag("done"))
    return visit.go(f"/tasks/{visit.id()}")


def comment(visit: Visit) -> Answer:
    text = visit.form.need("text", longest=comments.LONGEST_TEXT)
    visit.form.check()
    comments.create(visit.ctx, text=text, task_id=visit.id())
    return visit.go(f"/tasks/{visit.id()}")


def delete_comment(visit: Visit) -> Answer:
    comments.delete(visit.ctx, visit.id("comment"), task_id=visit.id())
    return visit.go(f"/tasks/{visit.id()}", "Deleted.")


def _choices(visit: Visit) -> dict[str, Any]:
    manages = visit.actor.may(Permission.CHANGE_TASKS)
    return {
        "projects": work.project_names(visit.ctx),
        "people": shell.colleagues(visit.ctx) if manages else [],
        "priorities": PRIORITIES,
        "statuses": STATUSES,
    }


def _facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    facts: dict[str, Any] = {
        "name": form.need("name", longest=300),
        "description": form.text("description"),
        "status": form.choice("status", STATUSES) or "TODO",
        "priority": form.choice("priority", PRIORITIES) or "MEDIUM",
        "due_date": form.day("due_date"),
        "start_date": form.day("start_date"),
        "estimated_hours": form.number("estimated_hours"),
        "billable": form.flag("billable"),
        "tags": form.tags("tags"),
    }
    if (facts["estimated_hours"] or 0) < 0:
        form.wrong["estimated_hours"] = "must not be negative"
    form.check()
    return facts


_READ, _CHANGE, _OWN = Permission.READ_TASKS, Permission.CHANGE_TASKS, Permission.CHANGE_OWN_TASKS

PAGES = (
    Page("/tasks", _READ, list_page, label="Tasks", section="tasks", icon="check"),
    Page("/tasks/new", _CHANGE, new_page, create, label="New task", section="tasks", icon="plus"),
    Page("/tasks/{id}", _READ, page, section="tasks"),
    Page("/tasks/{id}/edit", _OWN, edit_page, edit, section="tasks"),
    Page("/tasks/{id}/status", _OWN, post=set_status),
    Page("/tasks/{id}/aside", _CHANGE, post=put_aside),
    Page("/tasks/{id}/delete", _CHANGE, post=delete),
    Page("/tasks/{id}/steps", _OWN, post=add_step, again=page),
    Page("/tasks/{id}/steps/{step}", _OWN, post=tick_step, again=page),
    Page("/tasks/{id}/comments", Permission.COMMENT, post=comment, again=page),
    Page("/tasks/{id}/comments/{comment}/delete", Permission.COMMENT, post=delete_comment, again=page),
)
