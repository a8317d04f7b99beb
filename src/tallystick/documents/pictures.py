"""A logo, in the form in which it reaches a template."""

from __future__ import annotations

import base64
import logging
from typing import NamedTuple

from tallystick.values.pictures import read_picture

log = logging.getLogger("tallystick.documents")


class Picture(NamedTuple):
    """An SVG and its proportions."""

    svg: str
    width: float
    height: float


def picture(content: bytes) -> Picture | None:
    """The picture; None where the bytes are none: paper without a logo is better than no paper."""
    try:
        known = read_picture(content)
    except ValueError as error:
        log.warning("a logo cannot be shown: %s", error)
        return None
    if known.media == "image/svg+xml":
        return Picture(content.decode(), known.width, known.height)
    data = base64.b64encode(content).decode()
    width, height = round(known.width), round(known.height)
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:{known.media};base64,{data}"/></svg>',
        width,
        height,
    )
