"""Dashboards: what lies in the repository is what the code makes, and can be asked."""

import json
from pathlib import Path

from dashboards.made import FOLDER, made, queries
from tests.monitoring.metrics import known, unknown
from tests.monitoring.promtool import promtool


def test_the_files_are_what_the_code_makes() -> None:
    files = {file.name: file.read_text() for file in FOLDER.iterdir()}
    assert files == made(), "run `make dashboards`"


def test_every_query_is_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"query_{number}", "expr": scaled(query.expression)}
        for number, query in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", file)


def test_panels_ask_only_for_what_there_is() -> None:
    there_is = known()
    faults = {query.panel: unknown(query.expression, there_is) for query in queries()}
    assert {panel: wrong for panel, wrong in faults.items() if wrong} == {}


def test_every_panel_explains_itself_and_has_a_place_of_its_own() -> None:
    for text in made().values():
        panels = json.loads(text)["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        places = {tuple(panel["gridPos"].items()) for panel in panels}
        assert len(places) == len(panels)
        assert all(
            panel["description"] and panel["targets"]
            for panel in panels
            if panel["type"] != "row"
        )


def scaled(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m")
