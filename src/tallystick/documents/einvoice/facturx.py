"""Factur-X and ZUGFeRD: a PDF/A-3 that has the invoice as data in it, and says so in its metadata (XMP)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tallystick.documents.einvoice.parts import SPECIFICATIONS

NAMESPACE: Final = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"


class Embedding(NamedTuple):
    """How a file is called inside of the PDF, and what the metadata say of it."""

    name: str
    level: str | None
    """The profile as Factur-X calls it; None: it is attached, but no Factur-X (UBL)."""
    version: str


def embedding(xml: bytes) -> Embedding:
    """How to embed an invoice, by what it says of itself."""
    if b"CrossIndustryInvoice" not in xml[:1000]:
        return Embedding("invoice.xml", None, "")
    if SPECIFICATIONS["xrechnung"].encode() in xml[:2000]:
        return Embedding("xrechnung.xml", "XRECHNUNG", "3.0")
    return Embedding("factur-x.xml", "EN 16931", "1.0")


def announced(pdf: bytes, xml: bytes) -> bytes:
    """The PDF, whose metadata say that `xml` is attached to it; the attachment itself is made with the PDF.

    Only the metadata are written anew, uncompressed as they were, so that what PDF/A and PDF/UA say of the file still
    holds. typst writes a plain table of offsets: what moves in it is counted, not parsed (pypdf takes a second for 500
    lines).
    """
    embedded = embedding(xml)
    if embedded.level is None:
        return pdf
    table, first = _table(pdf)
    root = _number(rb"/Root (\d+) 0 R", pdf[table:])
    metadata = _number(rb"/Metadata (\d+) 0 R", _object(pdf, table, first, root))
    begin = _offset(pdf, first, metadata)
    old = _object(pdf, table, first, metadata)
    packet = old[old.index(b"stream\n") + len(b"stream\n") : old.rindex(b"\nendstream")]
    said = _with_fx(packet.decode(), embedded).encode()
    new = old.replace(packet, said).replace(b"/Length %d" % len(packet), b"/Length %d" % len(said), 1)
    moved = len(new) - len(old)

    def shifted(entry: re.Match[bytes]) -> bytes:
        offset = int(entry[1])
        return b"%010d" % (offset + moved if offset > begin else offset) + entry[2]

    tail = re.sub(rb"(\d{10})( \d{5} n)", shifted, pdf[table:])
    tail = tail.replace(b"startxref\n%d\n" % table, b"startxref\n%d\n" % (table + moved))
    return pdf[:begin] + new + pdf[begin + len(old) : table] + tail


def _with_fx(packet: str, embedded: Embedding) -> str:
    """The packet with the description of the properties, and the properties."""
    described = "".join(
        '<rdf:li rdf:parseType="Resource"><pdfaProperty:category>external</pdfaProperty:category>'
        f"<pdfaProperty:description>{about}</pdfaProperty:description><pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
        for name, about in (
            ("DocumentFileName", "The name of the embedded XML document"),
            ("DocumentType", "The type of the hybrid document in capital letters, e.g. INVOICE or ORDER"),
            ("Version", "The actual version of the standard applying to the embedded XML document"),
            ("ConformanceLevel", "The conformance level of the embedded XML document"),
        )
    )
    schema = (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    properties = (
        f'<rdf:Description rdf:about="" xmlns:fx="{NAMESPACE}">'
        f"<fx:DocumentType>INVOICE</fx:DocumentType><fx:DocumentFileName>{embedded.name}</fx:DocumentFileName>"
        f"<fx:Version>{embedded.version}</fx:Version><fx:ConformanceLevel>{embedded.level}</fx:ConformanceLevel>"
        "</rdf:Description>"
    )
    for mark, put in (("</rdf:Bag></pdfaExtension:schemas>", schema), ("</rdf:RDF>", properties)):
        if packet.count(mark) != 1:
            raise ValueError("The metadata of this PDF are not such as typst writes them.")
        packet = packet.replace(mark, put + mark)
    return packet


def _table(pdf: bytes) -> tuple[int, int]:
    """Where the table of offsets is, and where its first entry."""
    ends = re.search(rb"startxref\n(\d+)\n%%EOF\s*$", pdf[-100:])
    table = int(ends[1]) if ends else 0
    head = re.match(rb"xref\n0 \d+\n", pdf[table : table + 40])
    if head is None:
        raise ValueError("This PDF has no plain table of offsets, such as typst writes it.")
    return table, table + head.end()


def _offset(pdf: bytes, first: int, number: int) -> int:
    return int(pdf[first + 20 * number : first + 20 * number + 10])


def _object(pdf: bytes, table: int, first: int, number: int) -> bytes:
    """The object of a number, up to its end."""
    begin = _offset(pdf, first, number)
    end = pdf.index(b"endobj", begin, table)
    return pdf[begin:end]


def _number(pattern: bytes, within: bytes) -> int:
    found = re.search(pattern, within)
    if found is None:
        raise ValueError("This PDF is not such as typst writes it.")
    return int(found[1])
