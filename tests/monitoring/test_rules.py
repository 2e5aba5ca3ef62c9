"""Alerts: sound, tested both ways, explained, and about what there is."""

import re
from pathlib import Path

import pytest

from tests.counting import AProcess, work
from tests.monitoring.metrics import compared, known, selectors, unknown
from tests.monitoring.promtool import promtool
from tests.monitoring.rules import (
    PROMETHEUS,
    RULES,
    RUNBOOKS,
    TESTS,
    Alert,
    alerts,
    expectations,
    rules,
)

HEADINGS = [
    "What users feel",
    "How to look",
    "What to do",
    "When to stop worrying",
]

every_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.label)


def test_prometheus_takes_the_rules() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "rules", RULES)


def test_prometheus_takes_the_example_of_its_settings() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_alerts_fire_when_they_should_and_only_then(file: Path) -> None:
    promtool("test", "rules", file)


@every_alert
def test_every_alert_is_tested_firing_and_silent(alert: Alert) -> None:
    tested = [each for each in expectations() if each.name == alert.name]
    fires = [each for each in tested if alert.window in each.firing]
    assert fires
    assert len(fires) < len(tested)


def test_every_alert_is_seen_alone_in_silence() -> None:
    silent = {each.name for each in expectations() if not each.firing}
    assert silent == {alert.name for alert in alerts()}


@every_alert
def test_every_alert_says_what_is_wrong_for_whom_and_what_to_do(alert: Alert) -> None:
    assert alert.rule["labels"]["severity"] in {"page", "ticket", "none"}
    annotations = alert.rule["annotations"]
    assert annotations.keys() == {"summary", "impact", "runbook_url"}
    assert annotations["runbook_url"] == (
        f"{{{{ $externalLabels.photo_source }}}}/docs/runbooks/{alert.runbook}.md"
    )
    page = (RUNBOOKS / f"{alert.runbook}.md").read_text()
    assert page.startswith(f"# {alert.name}\n")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS


def test_no_runbook_is_left_of_an_alert_that_is_gone() -> None:
    pages = {page.stem for page in RUNBOOKS.iterdir()}
    assert pages == {alert.runbook for alert in alerts()}


def test_links_between_runbooks_lead_somewhere() -> None:
    for page in RUNBOOKS.iterdir():
        for link in re.findall(r"\]\(([^)#:]+)", page.read_text()):
            assert (RUNBOOKS / link).is_file(), f"{page.name}: {link}"


def test_rules_and_runbooks_ask_only_for_what_there_is() -> None:
    there_is = known()
    asked = [(rule.get("alert") or rule["record"], rule["expr"]) for rule in rules()]
    for page in RUNBOOKS.iterdir():
        for block in re.findall(r"```promql\n(.*?)```", page.read_text(), re.DOTALL):
            asked += [(page.name, query) for query in block.splitlines()]
    faults = {(name, tuple(unknown(query, there_is))) for name, query in asked}
    assert {(name, wrong) for name, wrong in faults if wrong} == set()


def test_what_is_asked_for_is_found_in_a_query() -> None:
    query = 'sum by (le) (rate(a_bucket{x="b",le="60.0"}[5m])) > on () 5e6 * (c or d:e)'
    assert {(each.metric, *each.labels) for each in selectors(query)} == {
        ("a_bucket", "x", "le"),
        ("c",),
        ("d:e",),
    }


def test_comparisons_that_answer_in_any_case_are_asked_of_a_real_prometheus() -> None:
    rule = 'a{b!="c",d=~".+"} >= on () e and f == 0 or max(g) > 5e6'
    assert compared(rule) == (
        'a{b!="c",d=~".+"} >= bool on () e and f == bool 0 or max(g) > bool 5e6'
    )


def test_what_nobody_tells_is_found() -> None:
    there_is = {"a": frozenset({"x"})}
    assert unknown('a{x="",y=""} + b', there_is) == ["a has no label y", "b"]


def test_bounds_in_rules_are_bounds_of_buckets() -> None:
    process = AProcess()
    work(process)
    there_are = {
        (sample.name, sample.labels["le"])
        for family in process.registry.collect()
        for sample in family.samples
        if "le" in sample.labels
    }
    asked = {
        (selector.metric, selector.labels["le"])
        for rule in rules()
        for selector in selectors(rule["expr"])
        if "le" in selector.labels
    }
    assert asked
    assert asked <= there_are
