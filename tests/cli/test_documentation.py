"""docs/command-line.md knows every command, every flag and every rule, and nothing that is not there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import typer

from tallystick.cli import application
from tallystick.cli.doctor import REVISION, TABLES
from tallystick.domain.invariants import INVARIANTS

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command by the words that name it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(commands(typer.main.get_command(application())))


def examples() -> list[list[str]]:
    """The words of each example, without prompt, comment, redirection and pipe."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)).replace("\\\n", " ")
    found = [re.search(r"tallystick (.*)", line) for line in blocks.splitlines()]
    lines = [re.sub(r"\$\([^)]*\)", "X", match[1]) for match in found if match]
    words = [shlex.split(line, comments=True) for line in lines]
    return [list(takewhile(lambda word: word not in ("|", "<", ">"), line)) for line in words]


def named(words: list[str]) -> tuple[str, ...]:
    return next((name for name in COMMANDS if tuple(words[: len(name)]) == name), ())


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_every_command_has_an_example(name: tuple[str, ...]) -> None:
    assert name in {named(words) for words in examples()}


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_every_flag_is_on_the_page(name: tuple[str, ...]) -> None:
    flags = {flag for param in COMMANDS[name].params for flag in param.opts if flag.startswith("-")}
    assert [flag for flag in flags if flag not in PAGE] == []


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_every_example_can_be_typed(words: list[str]) -> None:
    name = named(words)
    assert name, "no such command"
    command = COMMANDS[name]
    # Parsing alone: it runs nothing, and it refuses what the command does not take.
    with command.make_context(" ".join(name), list(words[len(name) :])) as context:
        assert context.params


def test_every_rule_of_the_doctor_is_on_the_page_as_it_is() -> None:
    rules = [("revision", REVISION), ("schema", TABLES), *((one.rule, one.sentence) for one in INVARIANTS)]
    assert re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", PAGE, re.MULTILINE) == rules


@pytest.mark.parametrize("name", COMMANDS, ids=" ".join)
def test_every_command_says_what_it_does(name: tuple[str, ...]) -> None:
    assert COMMANDS[name].help
    assert all(param.help for param in COMMANDS[name].params), [p.name for p in COMMANDS[name].params if not p.help]
