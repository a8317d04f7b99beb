"""Numbers as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from tallystick.telemetry.numbers import COUNTED, Family, Key, Seen, Times

if TYPE_CHECKING:
    from prometheus_client import Metric

Value = TypeVar("Value")

LOOKED_AT: Final[Mapping[str, Family]] = {
    "tallystick_build": Family("Always 1; what runs here.", ("version", "python"), "gauge"),
    "tallystick_jobs": Family("Jobs in the queue.", ("task", "state"), "gauge"),
    "tallystick_jobs_oldest_due_seconds": Family("For how long the oldest job that is due waits.", (), "gauge"),
}
"""What is seen when somebody asks."""


class Gauge(NamedTuple):
    """What is seen now: the values by their labels."""

    name: str
    values: Sequence[tuple[Mapping[str, str], float]]


def exposed(seen: Seen, gauges: Iterable[Gauge]) -> bytes:
    """The text of an answer to a scrape. Families that nothing was counted of are told, too."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - for those who ask
    from prometheus_client.registry import Collector  # noqa: PLC0415

    class Seeing(Collector):
        def collect(self) -> Iterable[Metric]:
            yield from _counted(seen)
            yield from _looked_at(gauges)

    registry = CollectorRegistry()
    registry.register(Seeing())
    return generate_latest(registry)


def _counted(seen: Seen) -> Iterable[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily  # noqa: PLC0415

    for name, family in COUNTED.items():
        if family.kind == "histogram":
            found = HistogramMetricFamily(name, family.help, labels=family.labels)
            for key, times in _of(name, seen.times):
                found.add_metric(key[1:], _cumulative(family, times), times.seconds)
            yield found
        else:
            counter = CounterMetricFamily(name, family.help, labels=family.labels)
            for key, value in _of(name, seen.counts):
                counter.add_metric(key[1:], value)
            yield counter


def _looked_at(gauges: Iterable[Gauge]) -> Iterable[Metric]:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    for name, values in gauges:
        family = LOOKED_AT[name]
        gauge = GaugeMetricFamily(name, family.help, labels=family.labels)
        for labels, value in values:
            gauge.add_metric([labels[label] for label in family.labels], value)
        yield gauge


def _of(name: str, pairs: Iterable[tuple[Key, Value]]) -> list[tuple[Key, Value]]:
    return [pair for pair in pairs if pair[0][0] == name]


def _cumulative(family: Family, times: Times) -> list[tuple[str, float]]:
    told: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*family.buckets, float("inf")), times.counts, strict=True):
        total += count
        told.append(("+Inf" if bound == float("inf") else str(bound), total))
    return told
