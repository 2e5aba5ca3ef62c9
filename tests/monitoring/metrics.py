"""What queries ask for, and what there is."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from tests.counting import AProcess
from tests.monitoring.rules import rules

_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?")
_LABEL = re.compile(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"((?:[^\"\\]|\\.)*)\"")
_GROUPING = re.compile(r"\b(?:by|on|ignoring|without|group_left)\s*\([^)]*\)")
_NO_METRICS = {"and", "or", "unless", "bool", "offset"}

#: What Prometheus adds to every sample.
_ADDED = {"job", "instance"}
#: What is told by others: Prometheus itself, and Temporal's SDK in our processes.
_FOREIGN: Mapping[str, frozenset[str]] = {
    "up": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "temporal_request_failure_total": frozenset(),
    "temporal_request_latency_seconds_bucket": frozenset({"le"}),
    "temporal_worker_task_slots_available": frozenset(),
}


_MATCHERS_OR_COMPARISON = re.compile(r"\{[^}]*\}|[<>]=?|[=!]=")


class Selector(NamedTuple):
    metric: str
    labels: Mapping[str, str]
    #: As it is asked for.
    text: str


def selectors(expression: str) -> Iterator[Selector]:
    bare = re.sub(r"\[[^]]*\]", "", _GROUPING.sub("", expression))
    for found in _SELECTOR.finditer(bare):
        name, matchers = found.groups()
        is_called = bare[found.end() :].startswith("(")
        is_inside = bare[: found.start()].count('"') % 2 == 1
        is_exponent = re.search(r"\d$", bare[: found.start()])
        if is_called or is_inside or is_exponent or name in _NO_METRICS:
            continue
        labels = dict(_LABEL.findall(matchers or ""))
        yield Selector(name, labels, found.group().strip())


def compared(expression: str) -> str:
    """The same, but that comparisons say 0 or 1 instead of leaving out what is not.

    So what an alert looks at is seen while nothing is wrong.
    """

    def with_bool(found: re.Match[str]) -> str:
        text = found.group()
        return text if text.startswith("{") else f"{text} bool"

    return _MATCHERS_OR_COMPARISON.sub(with_bool, expression)


def known() -> Mapping[str, frozenset[str]]:
    """Metrics that our processes tell, and those that rules record, with labels."""
    recorded = {
        rule["record"]: frozenset[str]() for rule in rules() if "record" in rule
    }
    return {**_told(AProcess().registry), **recorded, **_FOREIGN}


def unknown(expression: str, there_is: Mapping[str, frozenset[str]]) -> list[str]:
    """What it asks for that nobody tells."""
    faults = []
    for metric, labels, _ in selectors(expression):
        if metric not in there_is:
            faults.append(metric)
        elif wrong := {*labels} - there_is[metric] - _ADDED:
            faults.append(f"{metric} has no label {', '.join(sorted(wrong))}")
    return faults


def _told(registry: CollectorRegistry) -> dict[str, frozenset[str]]:
    told = {
        name: frozenset(getattr(collector, "_labelnames", ())) | {"le"}
        for name, collector in registry._names_to_collectors.items()
    }
    for family in registry.collect():
        for sample in family.samples:
            told.setdefault(sample.name, frozenset(sample.labels))
    return told
