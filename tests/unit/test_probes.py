"""What a worker says of itself to those who probe it from other threads."""

import asyncio
import json
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest

from photo import __version__
from photo.adapters.temporal.polling import Polling
from photo.adapters.temporal.worker import Workers
from photo.application.draining import Draining
from photo.application.health import CheckHealth
from photo.domain.errors import Unavailable
from photo.entrypoints.live import live_container
from photo.entrypoints.metrics_server import Page
from photo.entrypoints.probes import Probes, probe_pages
from photo.entrypoints.readiness import AskReadiness, tell_of_bug
from tests.unit.test_metrics import SETTINGS


def workers(**running: bool) -> Workers:
    """As far as they are looked at."""
    fields = {name: running.get(name, True) for name in Workers._fields}
    made = {name: SimpleNamespace(is_running=is_so) for name, is_so in fields.items()}
    return Workers(**cast("dict[str, Any]", made))


async def asked(path: str, polling: Polling, draining: Draining) -> Page:
    readiness = AskReadiness(
        CheckHealth({"polling": polling}, on_bug=tell_of_bug), draining
    )
    return await asyncio.to_thread(probe_pages(readiness)[path])


async def test_a_worker_that_asks_for_work_is_ready() -> None:
    polling = Polling()
    polling.watch(workers(scans=False))
    page = await asked("/readyz", polling, Draining())
    said = json.loads(page.body)
    assert (page.status, said["status"]) == (HTTPStatus.OK, "ok")
    assert said["checks"]["polling"]["status"] == "ok"
    assert page.content_type == "application/json"


async def test_a_worker_that_still_waits_for_something_is_not_ready() -> None:
    page = await asked("/readyz", Polling(), Draining())
    said = json.loads(page.body)
    assert (page.status, said["status"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "failing")


async def test_a_worker_that_is_told_to_stop_is_not_ready_but_lives() -> None:
    polling, draining = Polling(), Draining()
    polling.watch(workers())
    draining.begin()
    page = await asked("/readyz", polling, draining)
    said = json.loads(page.body)
    assert (page.status, said["status"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "draining")
    page = await asked("/healthz", polling, draining)
    assert (page.status, json.loads(page.body)) == (
        HTTPStatus.OK,
        {"status": "ok", "version": __version__},
    )


@pytest.mark.parametrize("name", [n for n in Workers._fields if n != "scans"])
async def test_every_queue_must_be_asked(name: str) -> None:
    polling = Polling()
    polling.watch(workers(**{name: False}))
    with pytest.raises(Unavailable):
        await polling.check()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_loop_that_hangs_is_neither_ready_nor_alive(path: str) -> None:
    readiness = AskReadiness(CheckHealth({}, on_bug=tell_of_bug), Draining())
    page = probe_pages(readiness, patience_seconds=0.01)[path]()
    assert page.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert json.loads(page.body) == {"status": "failing"}


async def test_a_workers_dependencies_are_the_apis_and_its_work() -> None:
    async with live_container(SETTINGS) as container:
        usual = (await container.get(CheckHealth)).checks.keys()
    async with live_container(SETTINGS, Probes()) as container:
        assert (await container.get(CheckHealth)).checks.keys() == {*usual, "polling"}
