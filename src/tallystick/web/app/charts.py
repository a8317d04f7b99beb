"""Charts as SVG, drawn here: bars that stand, bars that lie, and lines. Each says what it shows, beside its table.

Colours come from classes in `app.css`, so that they follow the reader's theme; nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from markupsafe import Markup

Number = int | Decimal | float
WIDTH: Final = 720
PLOT: Final = 150
"""The height of the plot, above the names of what is on the axis."""
TOP: Final = 18
LYING: Final = 26
"""The height of a bar that lies, with its space."""


class Point(NamedTuple):
    """Something on the axis, with a value for each series; `said` is how a reader hears them."""

    name: str
    values: tuple[Number, ...]
    said: str


class Line(NamedTuple):
    """A line of a chart: a value for each point, None where it has none."""

    name: str
    kind: str
    """The class it is drawn with: `first`, `second`, `limit` or `ahead`."""
    values: tuple[Number | None, ...]


def standing(title: str, points: Sequence[Point], *, most: str = "") -> Markup:
    """Bars side by side for each point, over a common axis. `most`: what the highest line means."""
    if not points:
        return Markup()
    highest = max((float(value) for point in points for value in point.values), default=0) or 1.0
    step = WIDTH / len(points)
    series = max(len(point.values) for point in points)
    wide = min(step * 0.72, 56.0) / series
    bars = Markup()
    every = -(-len(points) // 12)
    for number, point in enumerate(points):
        left = number * step + (step - wide * series) / 2
        shown = Markup()
        for at, value in enumerate(point.values):
            height = max(float(value), 0) / highest * PLOT
            shown += Markup('<rect class="s{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>').format(
                at + 1, _short(left + at * wide), _short(TOP + PLOT - height), _short(max(wide - 2, 1)), _short(height)
            )
        label = Markup()
        if number % every == 0:
            label = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
                _short(number * step + step / 2), TOP + PLOT + 18, point.name
            )
        bars += Markup("<g><title>{}: {}</title>{}{}</g>").format(point.name, point.said, shown, label)
    return _svg(title, TOP + PLOT + 26, Markup("{}{}").format(_axis(most), bars))


def lying(title: str, points: Sequence[Point], *, most: int = 12) -> Markup:
    """A bar for each of the first points, with its name and what it says; the second value is a part of the first."""
    shown = points[:most]
    if not shown:
        return Markup()
    highest = max((float(value) for point in shown for value in point.values), default=0) or 1.0
    rows = Markup()
    for number, point in enumerate(shown):
        top = number * LYING + 4
        bars = Markup()
        for at, value in enumerate(point.values):
            bars += Markup('<rect class="s{}" x="210" y="{}" width="{}" height="15" rx="2"/>').format(
                at + 1, top, _short(max(float(value), 0) / highest * 320)
            )
        rows += Markup(
            '<g><title>{0}: {1}</title><text x="202" y="{2}" text-anchor="end">{3}</text>{4}'
            '<text x="{5}" y="{2}">{1}</text></g>'
        ).format(
            point.name, point.said, top + 12, _cut(point.name), bars,
            _short(216 + max((float(value) for value in point.values), default=0) / highest * 320),
        )  # fmt: skip
    return _svg(title, len(shown) * LYING + 6, rows)


def lines(title: str, names: Sequence[str], drawn: Sequence[Line], *, most: str = "") -> Markup:
    """Lines over a common axis of days or weeks, from nothing up."""
    highest = max((float(value) for line in drawn for value in line.values if value is not None), default=0) or 1.0
    step = WIDTH / max(len(names) - 1, 1)
    inside = Markup()
    for line in drawn:
        places = [
            f"{_short(at * step)},{_short(TOP + PLOT - float(value) / highest * PLOT)}"
            for at, value in enumerate(line.values)
            if value is not None
        ]
        if places:
            inside += Markup('<polyline class="line {}" points="{}"><title>{}</title></polyline>').format(
                line.kind, " ".join(places), line.name
            )
    every = -(-len(names) // 8)
    last = len(names) - 1
    for at, name in enumerate(names):
        if at % every == 0:
            anchor = "start" if at == 0 else "end" if at == last else "middle"
            inside += Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
                _short(at * step), TOP + PLOT + 18, anchor, name
            )
    return _svg(title, TOP + PLOT + 26, Markup("{}{}").format(_axis(most), inside))


def _axis(most: str) -> Markup:
    return Markup(
        '<line class="grid" x1="0" x2="{0}" y1="{1}" y2="{1}"/><line class="axis" x1="0" x2="{0}" y1="{2}" y2="{2}"/>'
        '<text x="0" y="{3}">{4}</text>'
    ).format(WIDTH, TOP, TOP + PLOT, TOP - 5, most)


def _svg(title: str, height: int, inside: Markup) -> Markup:
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, title, inside
    )


def _short(number: float) -> str:
    return f"{number:.1f}".rstrip("0").rstrip(".")


def _cut(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"
