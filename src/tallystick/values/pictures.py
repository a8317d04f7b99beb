"""Pictures as bytes: of what kind, how large, and whether they hold nothing but a picture. None is drawn."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

MOST_PIXELS: Final = 40_000_000
"""A photo of a telephone; what claims more could fill the memory of whoever opens it."""
MOST_SIDE: Final = 20_000
MOST_ELEMENTS: Final = 20_000
"""Of an SVG, with what is drawn again by `use`."""

_SVG: Final = "http://www.w3.org/2000/svg"
_XLINK: Final = "http://www.w3.org/1999/xlink"
_DRAWN: Final = frozenset(
    [
        "svg",
        "g",
        "defs",
        "symbol",
        "use",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "clipPath",
        "mask",
        "linearGradient",
        "radialGradient",
        "stop",
        "title",
        "desc",
        "metadata",
        "style",
        "image",
    ]
)
_INLINE: Final = re.compile(r"data:image/(?:png|jpeg|jpg);base64,([A-Za-z0-9+/=\s]+)", re.ASCII)
_NUMBER: Final = re.compile(r"\s*([0-9]{0,7}(?:\.[0-9]{1,6})?)\s*(px|pt|mm|cm|in)?\s*", re.ASCII)


class Picture(NamedTuple):
    """What a picture is."""

    media: str
    width: float
    height: float


def read_picture(content: bytes, most: int = MOST_PIXELS) -> Picture:
    """A PNG, JPEG, GIF, WebP or SVG by its bytes, whatever its name says. Raises ValueError that says what is wrong."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        picture = _png(content, most)
    elif content.startswith(b"\xff\xd8\xff"):
        picture = _jpeg(content)
    elif content[:6] in (b"GIF87a", b"GIF89a") and len(content) > 13:
        picture = Picture("image/gif", *struct.unpack_from("<HH", content, 6))
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        picture = _webp(content)
    elif b"<" in content[:1024] and b"svg" in content[:4096]:
        picture = _svg(content)
    else:
        raise ValueError("this is no picture of a kind that is known here")
    if not (picture.width > 0 and picture.height > 0):
        raise ValueError("the picture has no size")
    if picture.media != "image/svg+xml" and (
        picture.width * picture.height > most or max(picture.width, picture.height) > MOST_SIDE
    ):
        raise ValueError(f"the picture has more than {most // 1_000_000} million pixels, or a side of {MOST_SIDE}")
    return picture


def without_metadata(content: bytes) -> bytes:
    """The same picture without what a camera or a program wrote beside it: place, names, comments.

    Which way up it is stays. Kinds whose structure is not read here are given back as they are.
    """
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content[:8] + b"".join(raw for kind, raw in _chunks(content) if kind not in _PNG_NOTES)
    if content.startswith(b"\xff\xd8\xff"):
        return _bare_jpeg(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return _bare_webp(content)
    return content


# --- PNG

_PNG_NOTES: Final = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG with their frames. Raises ValueError."""
    found: list[tuple[bytes, bytes]] = []
    at = 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        raw = content[at : at + 12 + length]
        if len(raw) < 12 + length:
            break
        kind = raw[4:8]
        if zlib.crc32(raw[4:-4]) != int.from_bytes(raw[-4:], "big"):
            raise ValueError("the PNG is damaged")
        found.append((kind, raw))
        at += 12 + length
        if kind == b"IEND":
            return found
    raise ValueError("the PNG is cut off")


def _png(content: bytes, most: int) -> Picture:
    chunks = _chunks(content)
    kind, header = chunks[0]
    if kind != b"IHDR" or len(header) != 25:
        raise ValueError("the PNG has no header")
    width, height, depth, color, _, _, interlaced = struct.unpack_from(">IIBBBBB", header, 8)
    if color not in (0, 2, 3, 4, 6) or depth not in (1, 2, 4, 8, 16):
        raise ValueError("the PNG has no known colours")
    picture = Picture("image/png", width, height)
    if width * height > most:
        return picture  # refused by its size, before anything is unpacked
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    rows = (width * depth * channels + 7) // 8 + 1
    expected = rows * height if not interlaced else rows * height + 16 * height + 4096
    unpack = zlib.decompressobj()
    size = 0
    try:
        for kind, raw in chunks:
            data = raw[8:-4] if kind == b"IDAT" else b""
            while data:
                size += len(unpack.decompress(data, 1 << 20))
                data = unpack.unconsumed_tail
                if size > expected:
                    raise ValueError("the PNG holds more than its size says")
    except zlib.error as error:
        raise ValueError("the PNG is damaged") from error
    if not unpack.eof or (not interlaced and size != expected):
        raise ValueError("the PNG is cut off")
    return picture


# --- JPEG

_FRAMES: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_KEPT: Final = frozenset({0xE0, 0xE2, 0xEE})
"""JFIF, colour profile, Adobe's colour transform."""


def _segments(content: bytes) -> list[tuple[int, bytes]]:
    """The segments of a JPEG up to its first scan, and the rest. Raises ValueError."""
    found: list[tuple[int, bytes]] = []
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise ValueError("the JPEG is damaged")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > len(content):
            raise ValueError("the JPEG is cut off")
        if marker == 0xDA:
            found.append((marker, content[at:]))
            return found
        found.append((marker, content[at : at + 2 + length]))
        at += 2 + length
    raise ValueError("the JPEG is cut off")


def _jpeg(content: bytes) -> Picture:
    for marker, raw in _segments(content):
        if marker in _FRAMES and len(raw) >= 10:
            height, width = struct.unpack_from(">HH", raw, 5)
            if raw[9] not in (1, 3, 4):
                raise ValueError("the JPEG has no known colours")
            if b"\xff\xd9" not in content[-1024:]:
                raise ValueError("the JPEG is cut off")
            return Picture("image/jpeg", width, height)
    raise ValueError("the JPEG has no frame")


def _bare_jpeg(content: bytes) -> bytes:
    kept = [content[:2]]
    for marker, raw in _segments(content):
        if marker == 0xE1 and raw[4:10] == b"Exif\0\0":
            turned = _orientation(raw[10:])
            if turned != 1:
                kept.append(_exif_of(turned))
        elif marker < 0xE0 or marker in _KEPT:
            kept.append(raw)
    return b"".join(kept)


def _orientation(tiff: bytes) -> int:
    """Which way up (Exif 0x0112); 1, as it is, where nothing says so."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        start = struct.unpack_from(f"{order}I", tiff, 4)[0]
        for index in range(struct.unpack_from(f"{order}H", tiff, start)[0]):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * index)
            if tag == 0x0112 and kind == 3:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _exif_of(turned: int) -> bytes:
    tiff = b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, turned, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


# --- WebP


def _webp_chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    at = 12
    while at + 8 <= len(content):
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        if at + 8 + length > len(content):
            raise ValueError("the WebP is cut off")
        found.append((content[at : at + 4], content[at : at + 8 + length + length % 2]))
        at += 8 + length + length % 2
    return found


def _webp(content: bytes) -> Picture:
    for kind, raw in _webp_chunks(content):
        data = raw[8:]
        if kind == b"VP8X" and len(data) >= 10:
            return Picture(
                "image/webp", 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
            )
        if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 6)
            return Picture("image/webp", width & 0x3FFF, height & 0x3FFF)
        if kind == b"VP8L" and data[:1] == b"\x2f" and len(data) >= 5:
            bits = int.from_bytes(data[1:5], "little")
            return Picture("image/webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    raise ValueError("the WebP has no picture")


def _bare_webp(content: bytes) -> bytes:
    kept: list[bytes] = []
    for kind, raw in _webp_chunks(content):
        if kind == b"VP8X":
            kept.append(raw[:8] + bytes([raw[8] & ~0x0C]) + raw[9:])  # its marks for Exif and XMP
        elif kind not in (b"EXIF", b"XMP "):
            kept.append(raw)
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


# --- SVG


def _svg(content: bytes) -> Picture:
    """An SVG that draws and does nothing else: no script, no style from elsewhere, no file but what is in it."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError("the SVG is not UTF-8") from error
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("an SVG with a DOCTYPE is not taken; export it as plain SVG")
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    except (ET.ParseError, RecursionError, ValueError) as error:
        raise ValueError("the SVG is not well-formed XML") from error
    if root.tag != f"{{{_SVG}}}svg":
        raise ValueError("the SVG does not begin with an svg element in its namespace")
    _only_draws(root)
    _not_too_much(root)
    return Picture("image/svg+xml", *_size(root))


def _only_draws(root: ET.Element) -> None:
    for element in root.iter():
        space, _, name = str(element.tag).rpartition("}")
        if space != f"{{{_SVG}":
            # Notes of drawing programs draw nothing, and are not looked at.
            if _SVG in space or not space:
                raise ValueError("the SVG has an element without a namespace")
            continue
        if name in ("text", "tspan", "textPath"):
            raise ValueError("the SVG has text; convert it to paths, so that it looks the same everywhere")
        if name not in _DRAWN:
            raise ValueError(f"the SVG has an element {name[:40]!r}, which is not taken; export it as plain SVG")
        if name == "style":
            _only_colours(element.text or "")
        for attribute, value in element.items():
            local = attribute.rpartition("}")[2]
            if local.lower().startswith("on"):
                raise ValueError("the SVG has a script")
            if local in ("href", "src"):
                _only_inside(name, value)
            elif attribute == "filter":
                raise ValueError("the SVG has a filter, which is not taken; flatten it first")
            else:
                _only_colours(value)


def _only_inside(name: str, address: str) -> None:
    if address.startswith("#"):
        return
    inline = _INLINE.fullmatch(address.strip())
    if name == "image" and inline is not None:
        try:
            read_picture(base64.b64decode(re.sub(r"\s", "", inline[1]), validate=True))
        except binascii.Error as error:
            raise ValueError("the SVG holds a damaged picture") from error
        return
    raise ValueError("the SVG refers to something outside of it")


def _only_colours(style: str) -> None:
    plain = style.lower().replace(" ", "")
    if "@" in plain or "\\" in plain or "javascript:" in plain or "expression(" in plain or "/*" in plain:
        raise ValueError("the SVG has a style that is not taken; export it with presentation attributes")
    if plain.count("url(") != len(re.findall(r"url\([\"']?#", plain)):
        raise ValueError("the SVG refers to something outside of it")


def _not_too_much(root: ET.Element) -> None:
    """Elements may be drawn again by `use`, and those again: counted as often as they are drawn."""
    by_id = {element.get("id"): element for element in root.iter() if element.get("id")}
    counted: dict[int, int] = {}

    def count(element: ET.Element, above: frozenset[int]) -> int:
        key = id(element)
        if key in counted:
            return counted[key]
        if key in above or len(above) > 100:
            raise ValueError("the SVG draws itself")
        within = above | {key}
        total = 1 + sum(count(child, within) for child in element)
        if element.tag == f"{{{_SVG}}}use":
            address = element.get("href") or element.get(f"{{{_XLINK}}}href") or ""
            drawn = by_id.get(address.removeprefix("#"))
            if drawn is not None:
                total += count(drawn, within)
        if total > MOST_ELEMENTS:
            raise ValueError("the SVG has too many elements; simplify it first")
        counted[key] = total
        return total

    count(root, frozenset())


def _size(root: ET.Element) -> tuple[float, float]:
    view = re.split(r"[\s,]+", (root.get("viewBox") or "").strip())
    if len(view) == 4:
        try:
            width, height = float(view[2]), float(view[3])
        except ValueError:
            width = height = 0
        if 0 < width < 1e7 and 0 < height < 1e7:
            return width, height
    sides: list[float] = []
    for name in ("width", "height"):
        given = _NUMBER.fullmatch(root.get(name) or "")
        if given is None or not given[1] or given[1] == ".":
            raise ValueError("the SVG says neither its viewBox nor its width and height")
        sides.append(float(given[1]))
    return sides[0], sides[1]
