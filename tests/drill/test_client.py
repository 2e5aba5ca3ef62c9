"""One client with one photo: what it does until it was promised a job."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random

import httpx
import pytest

from drill.asking import Api, Store
from drill.balancer import Balancer
from drill.client import Client
from drill.following import Follower
from drill.ledger import Kind
from drill.orders import Order, Then, Way
from drill.photos import photo
from tests.drill.ground import Ground, ground
from tests.drill.shaky import Deed, Hasty

SEED = 7
PHOTO = photo(SEED, 1)
BUSY, CUT, LOST, REFUSED, WELL = Deed.BUSY, Deed.CUT, Deed.LOST, Deed.REFUSED, Deed.WELL


def an_order(way: Way, times: int) -> Order:
    chance = Random(SEED)  # noqa: S311 - no secret
    return Order(
        number=1,
        kind=Kind.GOOD,
        way=way,
        then=Then.WAIT,
        times=times,
        called_back=False,
        chance=chance,
    )


@asynccontextmanager
async def client_of(here: Ground, way: Way, *, times: int = 1) -> AsyncIterator[Client]:
    chance = Random(SEED)  # noqa: S311 - no secret
    url, *_ = here.places.api_urls
    balancer = Balancer(here.places.api_urls, chance)
    async with (
        httpx.AsyncClient(transport=balancer, base_url=url) as api,
        httpx.AsyncClient() as store,
    ):
        yield Client(
            Api.with_key(await here.service.key(), Hasty(api, here.ledger, chance)),
            Store(Hasty(store, here.ledger, chance)),
            here.ledger,
            an_order(way, times),
            PHOTO,
            f"{here.receiver.files_url}/1",
        )


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize(
    "deeds",
    [[], [BUSY, CUT, CUT, BUSY], [CUT, WELL, BUSY, CUT]],
    ids=["well", "at first", "in between"],
)
async def test_whatever_fails_the_job_is_one(way: Way, deeds: Iterable[Deed]) -> None:
    async with (
        ground(seed=SEED, photos=[PHOTO], api=deeds) as here,
        client_of(here, way) as client,
    ):
        job_id = await client.promised()
        assert job_id
        follower = Follower(client.api, here.ledger, job_id, PHOTO.word)
        await follower.go_on(client.order)
    (accepted,) = here.ledger.accepted
    assert (accepted.job_id, accepted.kind) == (job_id, Kind.GOOD)
    assert accepted.word == PHOTO.word
    assert here.ledger.jobs_of == {client.key: {job_id}}
    assert here.ledger.told == {job_id: {"succeeded"}}
    assert here.ledger.mixed_up == here.ledger.refused == []


@pytest.mark.parametrize("way", Way)
async def test_a_request_that_is_sent_often_at_once_is_one(way: Way) -> None:
    async with (
        ground(seed=SEED, api=[WELL, CUT, WELL, BUSY, CUT]) as here,
        client_of(here, way, times=6) as client,
    ):
        job_id = await client.promised()
    route = "/v1/read" if way is Way.READ else "/v1/jobs"
    keys = here.api.keys("POST", route)
    assert (len(keys) > 6, {*keys}) == (True, {client.key})
    assert here.ledger.jobs_of == {client.key: {job_id}}
    assert len(here.ledger.accepted) == 1


@pytest.mark.parametrize("deeds", [[BUSY, CUT], [LOST], [LOST, BUSY, LOST]])
async def test_what_the_store_does_not_have_is_sent_by_the_same_form(
    deeds: Iterable[Deed],
) -> None:
    async with (
        ground(seed=SEED, store=deeds) as here,
        client_of(here, Way.UPLOAD) as client,
    ):
        assert await client.promised()
    assert len(here.api.keys("POST", "/v1/uploads")) == 1
    assert {*here.api.keys("POST", "/v1/jobs")} == {client.key}
    assert len(here.store.keys) > 1
    assert len({*here.store.keys}) == 1


@pytest.mark.parametrize("deeds", [[REFUSED], [LOST, REFUSED]])
async def test_a_form_that_is_refused_is_replaced(deeds: Iterable[Deed]) -> None:
    async with (
        ground(seed=SEED, store=deeds) as here,
        client_of(here, Way.UPLOAD) as client,
    ):
        assert await client.promised()
    first, second = here.api.keys("POST", "/v1/uploads")
    assert first != second
    *_, used = here.api.keys("POST", "/v1/jobs")
    assert used == client.key
    assert here.ledger.refused == []


async def test_a_request_that_is_turned_down_is_not_promised() -> None:
    async with (
        ground(seed=SEED) as here,
        client_of(here, Way.URL) as client,
    ):
        client.photo_url = "x" * 3000
        assert await client.promised() is None
    assert here.ledger.refused == [f"validation_failed {client.key}"]
    assert here.ledger.accepted == []


@pytest.mark.parametrize("way", [Way.UPLOAD, Way.READ])
async def test_the_text_of_another_photo_is_noticed(way: Way) -> None:
    other = photo(SEED, 2)
    mixed_up = [replace(PHOTO, word=other.word)]
    async with (
        ground(seed=SEED, photos=mixed_up) as here,
        client_of(here, way) as client,
    ):
        job_id = await client.promised()
        assert job_id
        follower = Follower(client.api, here.ledger, job_id, PHOTO.word)
        await follower.go_on(client.order)
    answers = 2 if way is Way.READ else 1
    assert here.ledger.mixed_up == [job_id] * answers
