"""The receiver: it believes signatures alone, and is as unreliable as it should be."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from drill.ledger import Kind, Ledger
from drill.photos import photo
from drill.receiver import Mood, Receiver, receiving
from photo.domain.webhook import DeliveryId, new_secret, show_secret, sign

SEED = 7
BODY = msgspec.json.encode(
    {"type": "job.succeeded", "data": {"id": "job_1", "status": "succeeded"}}
)
SECRET = new_secret()


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
async def receiver(ledger: Ledger) -> AsyncIterator[Receiver]:
    async with receiving(ledger, seed=SEED) as receiver:
        receiver.secrets.extend([show_secret(new_secret()), show_secret(SECRET)])
        yield receiver


def ids() -> Iterator[DeliveryId]:
    return (DeliveryId(f"msg_{number}") for number in range(2000))


def one_with(mood: Mood, receiver: Receiver) -> DeliveryId:
    return next(each for each in ids() if receiver.mood(each) is mood)


def signed(delivery_id: DeliveryId, secret: bytes = SECRET) -> Mapping[str, str]:
    return sign((secret,), delivery_id, BODY, at=datetime.now(UTC))


async def deliver(receiver: Receiver, headers: Mapping[str, str]) -> int | None:
    async with httpx.AsyncClient() as sender:
        try:
            answer = await sender.post(receiver.url, content=BODY, headers=headers)
        except httpx.TransportError:
            return None
        return answer.status_code


@pytest.mark.parametrize(
    ("mood", "answers"),
    [
        (Mood.WELL, [200, 200, 200]),
        (Mood.FAILING, [500, 200, 200]),
        (Mood.SLOW, [200, 200, 200]),
        (Mood.CUT, [None, 200, 200]),
    ],
)
async def test_only_the_first_attempt_may_fail(
    receiver: Receiver, ledger: Ledger, mood: Mood, answers: list[int | None]
) -> None:
    delivery_id = one_with(mood, receiver)
    headers = signed(delivery_id)
    assert [await deliver(receiver, headers) for _ in answers] == answers
    assert [each.status for each in ledger.received] == answers
    for each in ledger.received:
        assert (each.webhook_id, each.job_id) == (delivery_id, "job_1")
        assert each.event == "job.succeeded"
    assert ledger.told["job_1"] == {"succeeded"}
    assert ledger.forged == 0


async def test_what_is_not_signed_by_a_known_secret_is_not_believed(
    receiver: Receiver, ledger: Ledger
) -> None:
    genuine = signed(one_with(Mood.WELL, receiver))
    forgeries = [
        signed(one_with(Mood.WELL, receiver), new_secret()),
        {**genuine, "webhook-id": "msg_other"},
        {**genuine, "webhook-timestamp": "1700000000"},
        {},
    ]
    assert [await deliver(receiver, each) for each in forgeries] == [400] * 4
    assert (ledger.forged, ledger.received) == (4, [])


async def test_while_it_is_away_nothing_is_taken(
    receiver: Receiver, ledger: Ledger
) -> None:
    headers = signed(one_with(Mood.WELL, receiver))
    receiver.away = True
    assert await deliver(receiver, headers) == 503
    receiver.away = False
    assert await deliver(receiver, headers) == 200
    assert len(ledger.received) == 1


def test_chance_is_seeded_and_has_its_shares() -> None:
    one, other = Receiver(Ledger(), seed=SEED), Receiver(Ledger(), seed=SEED + 1)
    moods = [one.mood(each) for each in ids()]
    shares = {mood: round(many / 20) for mood, many in Counter(moods).items()}
    assert shares[Mood.FAILING] == pytest.approx(30, abs=4)
    assert shares[Mood.SLOW] == pytest.approx(10, abs=3)
    assert shares[Mood.CUT] == pytest.approx(10, abs=3)
    assert moods == [one.mood(each) for each in ids()]
    assert moods != [other.mood(each) for each in ids()]


async def test_photos_are_served_by_their_number(receiver: Receiver) -> None:
    expected = photo(SEED, 3, Kind.URL)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{receiver.files_url}/3")
        missing = await client.get(f"{receiver.files_url}/none")
    assert answer.content == expected.content
    assert answer.headers["Content-Type"] == expected.content_type
    assert missing.status_code == 404
