"""The rules and their tests, as they lie in the repository."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = PROMETHEUS / "rules.yml"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RUNBOOKS = ROOT / "docs" / "runbooks"


class Alert(NamedTuple):
    """Several rules may share a name; then `window` tells them apart."""

    name: str
    window: str | None
    rule: dict[str, Any]

    @property
    def runbook(self) -> str:
        """The name in kebab case."""
        return re.sub(r"(?<=.)(?=[A-Z])", "-", self.name).lower()

    @property
    def label(self) -> str:
        return f"{self.name} {self.window or ''}".strip()


class Expectation(NamedTuple):
    """What a test says of an alert's name at a moment."""

    name: str
    #: The windows of those that fire; None where there is no window.
    firing: list[str | None]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[Alert]:
    return [
        Alert(rule["alert"], rule["labels"].get("window"), rule)
        for rule in rules()
        if "alert" in rule
    ]


def expectations() -> Iterator[Expectation]:
    for file in TESTS:
        for test in yaml.safe_load(file.read_text())["tests"]:
            for check in test["alert_rule_test"]:
                firing = [
                    alert["exp_labels"].get("window") for alert in check["exp_alerts"]
                ]
                yield Expectation(check["alertname"], firing)
