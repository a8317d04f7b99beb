"""Every text of the pages is in every language, with the same facts in it."""

from __future__ import annotations

import ast
import json
import re
from html import unescape
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from tallystick.domain import explanations, members
from tallystick.domain.webhooks import catalogue
from tallystick.web.app.audit_log import KIND_NAMES
from tallystick.web.app.words import CATALOGUES, FOLDER
from tests.app.conftest import Pages

HERE = Path(__file__).parents[2] / "src" / "tallystick" / "web" / "app"
SIGN_IN = HERE.parent / "auth"
EXPLANATIONS = HERE.parents[1] / "domain" / "explanations.py"
FACT = re.compile(r"\{(\w+)\}")


def texts() -> set[str]:
    """What pages and their code say, in English."""
    found: set[str] = set()
    environment = Environment()
    for file in sorted([*(HERE / "templates").glob("*.html"), *(SIGN_IN / "templates").glob("*.html")]):
        tree = environment.parse(file.read_text())
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in ("t", "n"):
                for arg in call.args:
                    consts = [arg] if isinstance(arg, nodes.Const) else list(arg.find_all(nodes.Const))
                    if isinstance(arg, (nodes.Getitem, nodes.Call)):
                        consts = [
                            pair.value for pair in arg.find_all(nodes.Pair) if isinstance(pair.value, nodes.Const)
                        ]
                    found |= {const.value for const in consts if isinstance(const.value, str)}
        for loop in tree.find_all(nodes.For):
            for item in loop.iter.find_all(nodes.Tuple):
                for const in item.items[1:2]:
                    if isinstance(const, nodes.Const) and isinstance(const.value, str):
                        found.add(const.value)
        for set_ in tree.find_all(nodes.Assign):
            for pair in set_.node.find_all(nodes.Pair):
                if (
                    isinstance(pair.value, nodes.Const)
                    and isinstance(pair.value.value, str)
                    and pair.value.value[:1].isupper()
                ):
                    found.add(pair.value.value)
    for file in sorted([*HERE.glob("*.py"), *SIGN_IN.glob("*.py"), EXPLANATIONS]):
        for call in ast.walk(ast.parse(file.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            at = {
                "say": (0,),
                "count": (0, 1),
                "go": (1,),
                "back": (1,),
                "_shown": (2,),
                "Conflict": (0,),
                "phrase": (0,),
                "counted": (0, 1),
            }.get(name, ())
            for one in at:
                if len(call.args) > one and isinstance(call.args[one], ast.Constant):
                    found.add(call.args[one].value)  # type: ignore[attr-defined]
            if name == "Page":
                found |= {key.value.value for key in call.keywords if key.arg == "label"}  # type: ignore[attr-defined]
        for name in ast.parse(file.read_text()).body:
            if isinstance(name, ast.Assign | ast.AnnAssign) and isinstance(name.value, ast.Dict):
                target = name.target if isinstance(name, ast.AnnAssign) else name.targets[0]
                if isinstance(target, ast.Name) and target.id.endswith("_NAMES"):  # what pages say of words of ours
                    found |= {value.value for value in name.value.values if isinstance(value, ast.Constant)}  # type: ignore[misc]
    found |= {one for words in (explanations.RATES.values(), *explanations.ROUNDED.values()) for one in words}
    from tallystick.web.app.paint import MENU

    return {text for text in found | {entry[1] for entry in MENU} if text and " " not in text[:1]}


@pytest.mark.parametrize("language", [one for one in CATALOGUES if one != "en"])
def test_every_text_is_there_in_every_language(language: str) -> None:
    known = CATALOGUES[language]
    missing = sorted(text for text in texts() if text not in known)
    assert missing == []


@pytest.mark.parametrize("language", [one for one in CATALOGUES if one != "en"])
def test_a_text_has_the_same_facts_in_every_language(language: str) -> None:
    for english, said in CATALOGUES[language].items():
        assert sorted(FACT.findall(english)) == sorted(FACT.findall(said)), english


def test_an_explanation_speaks_the_readers_language(pages: Pages) -> None:
    """From the balance down to the seconds: no sentence stays English, and numbers and days are the reader's."""
    invoice = pages.ids["sent"]
    with pages.studio.context() as ctx:
        step = explanations.of_invoice(ctx, invoice)
        english = {str(one.how) for one in steps_of(step) if CATALOGUES["de"][one.how.text] != one.how.text}
        members.present(ctx, language="de")
    told = unescape(pages["owner"].see(f"/invoices/{invoice}/explain"))
    assert len(english) > 8
    assert [sentence for sentence in english if f">{sentence}<" in told] == []
    for sentence in ("Summe 180,00 − bezahlt 40,00", "eingegangen am 01.06.2026", "der Satz von Globex"):
        assert sentence in told
    with pages.studio.context() as ctx:
        members.present(ctx, language="en")
    assert "total 180.00 − paid 40.00" in pages["owner"].see(f"/invoices/{invoice}/explain")


def steps_of(step: explanations.Step) -> list[explanations.Step]:
    return [step, *(one for part in step.steps for one in steps_of(part))]


def test_a_text_has_one_translation() -> None:
    for folder in sorted(FOLDER.iterdir()):
        said: dict[str, str] = {}
        for file in sorted(folder.glob("*.json")):
            for text in json.loads(file.read_text()):
                assert text not in said, f"{text!r} is in {said[text]} and in {file.name}"
                said[text] = file.name


def test_everything_that_happens_to_something_has_a_name_for_it() -> None:
    assert catalogue.EVENTS.keys() <= KIND_NAMES.keys()
    for language in ("de",):
        assert set(KIND_NAMES.values()) <= CATALOGUES[language].keys()
