"""What processes tell of themselves as metrics: at one moment, and between two."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isnan

from prometheus_client.parser import text_string_to_metric_families

#: The samples of one process, by name and labels.
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

#: Values of some of the labels, in the order in which they were asked for.
Group = tuple[str, ...]


def parsed(text: str) -> Samples:
    """Raise `ValueError` unless it is what Prometheus reads."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not isnan(sample.value)
    }


@dataclass(frozen=True)
class Scrape:
    """The samples of the processes that answered, by URL, at a moment in seconds."""

    at: float
    processes: Mapping[str, Samples]

    def where(self, label: str, begins: str) -> "Scrape":
        """Of what has this label, and whose value begins so."""
        return Scrape(
            self.at,
            {
                url: {
                    (name, labels): value
                    for (name, labels), value in samples.items()
                    if dict(labels).get(label, "").startswith(begins)
                }
                for url, samples in self.processes.items()
            },
        )

    def youngest(self, age: str, within: float) -> "Scrape":
        """Of processes whose gauge `age` is this low; of the lowest if none is."""
        ages = {
            url: samples[age, frozenset()]
            for url, samples in self.processes.items()
            if (age, frozenset()) in samples
        }
        bound = max(within, min(ages.values(), default=within))
        return Scrape(
            self.at,
            {url: self.processes[url] for url, old in ages.items() if old <= bound},
        )

    def values(self, name: str, *by: str) -> dict[Group, list[float]]:
        """What each process says, in groups by these labels."""
        groups = defaultdict(list)
        for samples in self.processes.values():
            for group, value in _of(samples, name, by):
                groups[group].append(value)
        return dict(groups)

    def greatest(self, name: str, *by: str) -> dict[Group, float]:
        """Where every process tells of the whole service."""
        return {group: max(values) for group, values in self.values(name, *by).items()}

    def total(self, name: str, *by: str) -> dict[Group, float]:
        """Where every process tells of itself."""
        return {group: sum(values) for group, values in self.values(name, *by).items()}


@dataclass(frozen=True)
class Between:
    """What happened between two scrapes, as far as the same processes tell of it."""

    before: Scrape
    after: Scrape

    @property
    def seconds(self) -> float:
        return self.after.at - self.before.at

    def where(self, label: str, begins: str) -> "Between":
        return Between(
            self.before.where(label, begins), self.after.where(label, begins)
        )

    def increases(self, name: str, *by: str) -> dict[Group, float]:
        """By how much counters have grown. One that fell began anew, at 0."""
        groups: dict[Group, float] = defaultdict(float)
        for url, samples in self.after.processes.items():
            if url not in self.before.processes:
                continue
            since = self.before.processes[url]
            for (named, labels), value in samples.items():
                if named == name:
                    had = since.get((named, labels), 0)
                    grown = value - had if value >= had else value
                    groups[_group(labels, by)] += grown
        return dict(groups)

    def rates(self, name: str, *by: str) -> dict[Group, float]:
        """The same, per second."""
        if self.seconds <= 0:
            return {}
        increases = self.increases(name, *by)
        return {group: grown / self.seconds for group, grown in increases.items()}

    def quantiles(self, q: float, name: str, *by: str) -> dict[Group, float]:
        """Of a histogram, for each group in which there were any values."""
        buckets: dict[Group, dict[float, float]] = defaultdict(dict)
        for (*group, bound), count in self.increases(
            f"{name}_bucket", *by, "le"
        ).items():
            buckets[tuple(group)][float(bound)] = count
        return {
            group: quantile(q, counts)
            for group, counts in buckets.items()
            if counts.get(inf)
        }


def quantile(q: float, buckets: Mapping[float, float]) -> float:
    """As Prometheus has it: straight lines between the bounds of cumulative buckets.

    Above the last bound nothing is known but that bound.
    """
    counts = [(0.0, 0.0), *sorted(buckets.items())]
    rank = q * counts[-1][1]
    for (lower, below), (upper, up_to) in pairwise(counts):
        if up_to >= rank and up_to > below:
            if upper == inf:
                return lower
            return lower + (upper - lower) * (rank - below) / (up_to - below)
    raise ValueError("there are no values")


def _of(
    samples: Samples, name: str, by: tuple[str, ...]
) -> Iterator[tuple[Group, float]]:
    for (named, labels), value in samples.items():
        if named == name:
            yield _group(labels, by), value


def _group(labels: frozenset[tuple[str, str]], by: tuple[str, ...]) -> Group:
    known = dict(labels)
    return tuple(known.get(label, "") for label in by)
