"""Where the processes of a local stack tell their metrics, run after run."""

import socket
from pathlib import Path

import pytest

from photo.entrypoints.local.metrics import metrics_ports, metrics_urls
from photo.entrypoints.local.ports import choose_ports

NAMES = ["api", "worker-1"]


@pytest.fixture
def api_port() -> int:
    return choose_ports(["http"])["http"]


def test_a_folder_of_an_earlier_version_has_none_and_gets_some(
    tmp_path: Path, api_port: int
) -> None:
    assert metrics_urls(tmp_path) == []
    ports = metrics_ports(tmp_path, NAMES, besides=api_port)
    assert [*ports] == NAMES
    assert len({*ports.values(), api_port}) == 3
    assert metrics_urls(tmp_path) == [
        f"http://127.0.0.1:{port}/metrics" for port in ports.values()
    ]


def test_ports_stay_and_those_of_more_workers_come_and_go(
    tmp_path: Path, api_port: int
) -> None:
    first = metrics_ports(tmp_path, NAMES, besides=api_port)
    more = metrics_ports(tmp_path, [*NAMES, "worker-2"], besides=api_port)
    assert {name: more[name] for name in NAMES} == first
    assert metrics_ports(tmp_path, NAMES, besides=api_port) == first
    assert len(metrics_urls(tmp_path)) == len(NAMES)


def test_a_port_that_somebody_took_is_replaced(tmp_path: Path, api_port: int) -> None:
    first = metrics_ports(tmp_path, NAMES, besides=api_port)
    with socket.create_server(("127.0.0.1", first["api"])):
        second = metrics_ports(tmp_path, NAMES, besides=api_port)
    assert second["api"] != first["api"]
    assert second["worker-1"] == first["worker-1"]


def test_the_port_that_the_api_will_take_is_left_to_it(tmp_path: Path) -> None:
    first = metrics_ports(tmp_path, NAMES, besides=0)
    second = metrics_ports(tmp_path, NAMES, besides=first["worker-1"])
    assert second["worker-1"] != first["worker-1"]


def test_a_damaged_file_is_forgotten(tmp_path: Path, api_port: int) -> None:
    metrics_ports(tmp_path, NAMES, besides=api_port)
    (tmp_path / "metrics.json").write_text("{")
    assert metrics_urls(tmp_path) == []
    metrics_ports(tmp_path, NAMES, besides=api_port)
    assert len(metrics_urls(tmp_path)) == len(NAMES)
