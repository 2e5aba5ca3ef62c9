"""The example of Alertmanager's settings: of alerts and receivers that there are."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tests.monitoring.rules import PROMETHEUS, alerts

SETTINGS = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())

_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


class Matcher(NamedTuple):
    label: str
    operator: str
    value: str

    def names(self) -> set[str]:
        return set(self.value.split("|"))


def matchers(texts: list[str]) -> list[Matcher]:
    found = [_MATCHER.fullmatch(text) for text in texts]
    assert all(found), texts
    return [Matcher(*each.groups()) for each in found if each]


def routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield route
    for inner in route.get("routes", ()):
        yield from routes(inner)


def every_matcher() -> Iterator[Matcher]:
    for route in routes(SETTINGS["route"]):
        yield from matchers(route.get("matchers", []))
    for rule in SETTINGS["inhibit_rules"]:
        yield from matchers(rule["source_matchers"])
        yield from matchers(rule["target_matchers"])


def values(texts: list[str], label: str) -> set[str]:
    return set().union(*(m.names() for m in matchers(texts) if m.label == label))


def test_every_alert_that_is_named_is_one_of_the_rules() -> None:
    named = [each.names() for each in every_matcher() if each.label == "alertname"]
    assert named
    assert set().union(*named) <= {alert.name for alert in alerts()}


def test_every_severity_that_is_named_is_one_of_the_rules() -> None:
    named = {each.value for each in every_matcher() if each.label == "severity"}
    assert named == {alert.rule["labels"]["severity"] for alert in alerts()} - {"none"}


def test_routes_lead_to_receivers_and_no_receiver_waits_in_vain() -> None:
    there_are = [each["name"] for each in SETTINGS["receivers"]]
    assert {route["receiver"] for route in routes(SETTINGS["route"])} == {*there_are}


def test_the_watchdog_goes_first_and_again_each_minute() -> None:
    first = SETTINGS["route"]["routes"][0]
    assert values(first["matchers"], "alertname") == {"PhotoWatchdog"}
    assert first["receiver"] == "heartbeat"
    assert first["repeat_interval"] == "1m"
    assert not first.get("continue")


def test_alerts_come_together_by_their_names() -> None:
    assert SETTINGS["route"]["group_by"] == ["alertname"]


def test_a_page_keeps_tickets_of_the_same_silent_and_nothing_keeps_itself_silent() -> (
    None
):
    same, *others = SETTINGS["inhibit_rules"]
    assert values(same["target_matchers"], "severity") == {"ticket"}
    assert "alertname" in same["equal"]
    for rule in others:
        sources = values(rule["source_matchers"], "alertname")
        targets = values(rule["target_matchers"], "alertname")
        assert sources
        assert targets
        assert not sources & targets


def test_nothing_keeps_the_alerts_silent_that_name_a_cause() -> None:
    kept = set().union(
        *(
            values(rule["target_matchers"], "alertname")
            for rule in SETTINGS["inhibit_rules"]
        )
    )
    assert kept == {
        "PhotoApiErrorBudgetBurning",
        "PhotoApiLatencyBudgetBurning",
        "PhotoSnapshotStale",
        "PhotoTargetDown",
        "PhotoTextBudgetBurning",
    }
