"""Draws the icons of the installed app from mark.svg: `.venv/bin/python docs/images/icons.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typst

STATIC = Path(__file__).parents[2] / "src" / "tallystick" / "web" / "static"
ICONS = {
    "icon-180": (180, "filled"),
    "icon-192": (192, "rounded"),
    "icon-512": (512, "rounded"),
    "icon-maskable-512": (512, "safe"),
}
"""Name → pixels, and how the mark lies in the square: with its own corners, to the edge, or within the safe circle."""


def main() -> None:
    mark = (STATIC / "mark.svg").read_text()
    square = mark.replace('rx="7" ', "")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "rounded.svg").write_text(mark)
        (place / "filled.svg").write_text(square)
        for name, (size, how) in ICONS.items():
            drawn = "rounded" if how == "rounded" else "filled"
            share = 68 if how == "safe" else 100
            ground = "none" if how == "rounded" else 'rgb("#0f5c4a")'
            page = place / f"{name}.typ"
            page.write_text(
                f"#set page(width: {size}pt, height: {size}pt, margin: 0pt, fill: {ground})\n"
                f'#align(center + horizon, image("{drawn}.svg", width: {share}%))\n'
            )
            (STATIC / f"{name}.png").write_bytes(typst.compile(page, format="png", ppi=72))


if __name__ == "__main__":
    main()
