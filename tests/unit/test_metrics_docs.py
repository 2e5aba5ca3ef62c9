"""The operator's list of metrics is that of the code."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from photo.adapters.metrics.gauges import ProcessMetrics
from photo.adapters.metrics.http import RequestMetrics
from photo.adapters.metrics.snapshot import SnapshotMetrics
from photo.application.ports import Measures, RepairLog
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings

DOCS = Path(__file__).parents[2] / "docs/operations.md"
SETTINGS = Settings(
    database_url="postgresql://photo@127.0.0.1:1/photo",
    s3_bucket_raw="raw",
    s3_bucket_processed="processed",
    temporal_target="127.0.0.1:1",
)


@pytest.fixture
async def metrics(tmp_path: Path) -> Sequence[MetricWrapperBase]:
    """All that a process may ever count."""
    container = live_container(SETTINGS)
    for kind in (Measures, RepairLog, RequestMetrics, SnapshotMetrics):
        await container.get(kind)
    (await container.get(ProcessMetrics)).watch_scratch(tmp_path)
    registry = await container.get(CollectorRegistry)
    await container.close()
    found = [
        each
        for each in registry._collector_to_names
        if isinstance(each, MetricWrapperBase)
    ]
    return sorted(found, key=lambda metric: metric._name)


def row(metric: MetricWrapperBase) -> str:
    name = metric._name + ("_total" if metric._type == "counter" else "")
    labels = f"{{{','.join(metric._labelnames)}}}" if metric._labelnames else ""
    return f"| `{name}{labels}` | {metric._type} | {metric._documentation} |"


def test_the_documentation_has_every_metric_as_it_is(
    metrics: Sequence[MetricWrapperBase],
) -> None:
    rows = "\n".join(map(row, metrics))
    told = "\n".join(
        re.findall(r"^\| `photo_\w+(?:\{.*\})?` \| .*$", _section(), re.MULTILINE)
    )
    assert told == rows


def _section() -> str:
    return DOCS.read_text().partition("\n## Metrics\n")[2].partition("\n## ")[0]


def test_names_and_labels_are_as_prometheus_has_them(
    metrics: Sequence[MetricWrapperBase],
) -> None:
    known = {
        "code", "dependency", "kind", "method", "of", "outcome", "pool", "queue",
        "route", "state", "status", "step", "verdict", "version",
    }  # fmt: skip
    for metric in metrics:
        assert metric._name.startswith("photo_")
        assert {*metric._labelnames} <= known
        assert metric._documentation.endswith(".")
        if metric._type == "histogram" and "confidence" not in metric._name:
            assert metric._name.endswith("_seconds")
