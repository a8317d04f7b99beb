"""The process that runs the official rules: a program of its own, which knows nothing of Tallystick.

A question is a line of JSON on standard input, `{"xml": …, "schema": path, "rules": [paths]}`; the answer is a line on
standard output, `{"found": [[rule, flag, location, message], …]}` or `{"failed": why}`. It ends when its input ends,
when nobody has asked for a while, and when one answer takes too long, whatever becomes of its parent.
"""

from __future__ import annotations

import faulthandler
import json
import os
import select
import sys
from importlib import import_module
from typing import Any, Final

IDLE_SECONDS: Final = 900
ANSWER_SECONDS: Final = 60
_SVRL: Final = "{http://purl.oclc.org/dsdl/svrl}"

etree: Any = import_module("lxml.etree")  # neither has types
saxon: Any = import_module("saxonche")


class Rules:
    """Schemas and stylesheets, each compiled when it is first needed, and kept."""

    def __init__(self) -> None:
        self._saxon: Any = saxon.PySaxonProcessor(license=False)
        self._saxon.set_configuration_property("http://saxon.sf.net/feature/allowedProtocols", "file")
        self._compiler: Any = self._saxon.new_xslt30_processor()
        self._schemas: dict[str, Any] = {}
        self._rules: dict[str, Any] = {}

    def against(self, xml: str, schema: str, rules: list[str]) -> list[list[str]]:
        """What speaks against a document: what its schema says, and what the rules do, which know better words."""
        parsed = etree.fromstring(xml.encode(), _parser())
        if schema not in self._schemas:
            self._schemas[schema] = etree.XMLSchema(etree.parse(schema))
        self._schemas[schema].validate(parsed)
        found = [["XSD", "fatal", str(error.path), error.message] for error in self._schemas[schema].error_log]
        node = self._saxon.parse_xml(xml_text=xml)
        try:
            found += [one for path in rules for one in self._broken(path, node)]
        except Exception:
            if not found:  # rules may stumble over what the schema does not allow
                raise
        return found

    def _broken(self, path: str, node: Any) -> list[list[str]]:
        if path not in self._rules:
            self._rules[path] = self._compiler.compile_stylesheet(stylesheet_file=path)
        report = etree.fromstring(self._rules[path].transform_to_string(xdm_node=node).encode(), _parser())
        return [
            [
                element.get("id", ""),
                element.get("flag", "fatal"),
                element.get("location", ""),
                " ".join("".join(element.itertext()).split()),
            ]
            for element in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report")
        ]


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


def main() -> None:
    """Answer until there is nothing more to answer."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    rules: Rules | None = None
    while select.select([sys.stdin.buffer], [], [], IDLE_SECONDS)[0]:
        question = sys.stdin.buffer.readline()
        if not question.endswith(b"\n"):
            return
        # A thread of C, not of Python: it also ends what never lets another thread of Python run.
        faulthandler.dump_traceback_later(ANSWER_SECONDS, exit=True, file=nowhere)
        try:
            rules = rules or Rules()
            answer: dict[str, Any] = {"found": rules.against(**json.loads(question))}
        except Exception as error:  # noqa: BLE001 - whoever asked hears of it
            answer = {"failed": f"{type(error).__name__}: {error}"}
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
