"""All dashboards as files, and what they ask of Prometheus."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.overview import overview
from dashboards.pipeline import pipeline

FOLDER = Path(__file__).parents[1] / "deploy" / "grafana"


class Query(NamedTuple):
    dashboard: str
    panel: str
    #: As in the panel: `$__rate_interval` stands for what Grafana makes of the scale.
    expression: str
    #: Of its lines: with labels, as in `{{step}}`.
    names: str


def made() -> dict[str, str]:
    """By the file's name."""
    return {
        "overview.json": _json(overview()),
        "pipeline.json": _json(pipeline()),
    }


def queries() -> Iterator[Query]:
    for name, text in made().items():
        for panel in json.loads(text)["panels"]:
            for target in panel.get("targets", ()):
                yield Query(
                    name, panel["title"], target["expr"], target["legendFormat"]
                )


def _json(board: Dashboard) -> str:
    built = board.build()
    for number, panel in enumerate(built.panels or (), 1):
        panel.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=2) + "\n"
