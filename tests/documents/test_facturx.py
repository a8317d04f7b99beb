"""A PDF with its invoice inside: the data to the byte, metadata that say so, and PDF/A and PDF/UA as they were."""

from __future__ import annotations

import io
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import facturx
import pikepdf
import pypdf
import pytest
import typst

from tallystick.documents import Documents, einvoice
from tallystick.documents.einvoice.facturx import NAMESPACE, announced, embedding
from tallystick.values.document import Profile
from tests.documents.samples import document

TEMPLATE = """
#set document(title: "Invoice", author: "Nordlicht", date: datetime(year: 2026, month: 11, day: 29))
#set text(lang: "en")
#pdf.attach(sys.inputs.name, bytes(sys.inputs.xml), relationship: "alternative", mime-type: "text/xml",
  description: "The invoice as data")
= Invoice
#table(columns: 5, ..range(int(sys.inputs.cells)).map(each => [#each]))
"""
FX = f"{{{NAMESPACE}}}"


def pdf_with(xml: bytes, folder: Path, cells: int = 10) -> bytes:
    template = folder / "invoice.typ"
    template.write_text(TEMPLATE)
    inputs = {"xml": xml.decode(), "name": embedding(xml).name, "cells": str(cells)}
    made = typst.Compiler(str(template)).compile(format="pdf", pdf_standards=["a-3a", "ua-1"], sys_inputs=inputs)
    assert isinstance(made, bytes)
    return made


def packet(pdf: bytes) -> str:
    """The XMP as it lies in the file, which whoever reads no PDF finds too."""
    assert pdf.count(b"<?xpacket begin=") == 1
    return pdf[pdf.index(b"<?xpacket begin=") : pdf.index(b'<?xpacket end="r"?>')].decode()


@pytest.mark.parametrize(
    ("profile", "name", "level"),
    [("cii", "factur-x.xml", "EN 16931"), ("xrechnung", "xrechnung.xml", "XRECHNUNG")],
)
def test_the_metadata_announce_the_invoice_inside(tmp_path: Path, profile: Profile, name: str, level: str) -> None:
    xml = einvoice.xml(document(), profile)
    pdf = announced(pdf_with(xml, tmp_path), xml)

    read = pypdf.PdfReader(io.BytesIO(pdf), strict=True)
    assert {file: data for file, (data,) in read.attachments.items()} == {name: xml}
    assert facturx.get_xml_from_pdf(pdf, check_xsd=True) == (name, xml)
    root = ET.fromstring(packet(pdf).split("?>", 1)[1])
    said = {one.tag.removeprefix(FX): one.text for one in root.iter() if one.tag.startswith(FX)}
    assert said["DocumentFileName"] == name
    assert (said["DocumentType"], said["ConformanceLevel"]) == ("INVOICE", level)
    described = [one.text for one in root.iter("{http://www.aiim.org/pdfa/ns/property#}name")]
    assert set(said) <= set(described)
    assert [one.text for one in root.iter("{http://www.aiim.org/pdfa/ns/schema#}prefix")].count("fx") == 1


def test_what_pdf_a_and_pdf_ua_say_still_holds(tmp_path: Path) -> None:
    xml = einvoice.xml(document(), "cii")
    before = pdf_with(xml, tmp_path)
    after = announced(before, xml)
    with pikepdf.open(io.BytesIO(after)) as pdf, pikepdf.open(io.BytesIO(before)) as old:
        assert not pdf.check_pdf_syntax()
        assert len(pdf.objects) == len(old.objects)
        assert bytes(pdf.Root.Metadata.read_raw_bytes()) == bytes(pdf.Root.Metadata.read_bytes())
        assert str(pdf.Root.AF[0].AFRelationship) == "/Alternative"
        assert pdf.Root.MarkInfo.Marked
        with pdf.open_metadata() as told:
            assert told.pdfa_status == "3A"
            assert told["pdfuaid:part"] == "1"
            assert told["dc:title"] == "Invoice"


def test_ubl_is_attached_and_is_no_factur_x(tmp_path: Path) -> None:
    xml = einvoice.xml(document(), "peppol")
    pdf = pdf_with(xml, tmp_path)
    assert announced(pdf, xml) == pdf


def test_it_takes_no_time_for_500_lines(tmp_path: Path) -> None:
    xml = einvoice.xml(document(), "cii")
    pdf = pdf_with(xml, tmp_path, cells=2500)
    began = time.perf_counter()
    after = announced(pdf, xml)
    assert time.perf_counter() - began < 0.25
    with pikepdf.open(io.BytesIO(after)) as read:
        assert not read.check_pdf_syntax()


@pytest.mark.parametrize("profile", ["cii", "xrechnung", "ubl"])
def test_the_paper_of_an_invoice_has_it_inside(documents: Documents, profile: Profile) -> None:
    made = document()
    xml = documents.xml(made, profile)
    pdf = documents.pdf(made, xml)
    assert [data for (data,) in pypdf.PdfReader(io.BytesIO(pdf), strict=True).attachments.values()] == [xml]
    assert (f'"{NAMESPACE}"' in packet(pdf)) == (profile != "ubl")
    with pikepdf.open(io.BytesIO(pdf)) as read:
        assert not read.check_pdf_syntax()
        with read.open_metadata() as told:
            assert (told.pdfa_status, told["pdfuaid:part"]) == ("3A", "1")


def test_a_pdf_of_another_make_is_refused(tmp_path: Path) -> None:
    xml = einvoice.xml(document(), "cii")
    written = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf_with(xml, tmp_path))) as pdf:
        pdf.save(written, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    with pytest.raises(ValueError, match="typst"):
        announced(written.getvalue(), xml)
