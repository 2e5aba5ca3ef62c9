"""The issuer changes its keys, or is away."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from photo.adapters.oidc.keyring import PAUSE_SECONDS, REFRESH_SECONDS
from photo.adapters.oidc.verifier import OidcTokenVerifier
from photo.domain.errors import Unauthenticated, Unavailable
from tests.hostile_server import Visit, answer, says
from tests.oidc.conftest import Gate
from tests.oidc.local_issuer import signing_key

OLD, NEW = signing_key(), signing_key("ES256", "new")
BROKEN = says(answer(status=500))
#: The life of what is remembered of a token.
FORGOTTEN = 6


@pytest.fixture
async def verifier(own: Gate) -> AsyncIterator[OidcTokenVerifier]:
    async with own.verifier() as verifier:
        yield verifier


async def quiet(verifier: OidcTokenVerifier) -> None:
    """When what was begun in the background has ended."""
    if asking := verifier._keys._asking:
        await asking


async def test_nothing_is_asked_before_the_first_token(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    assert own.issuer.asked == 0
    for _ in range(3):
        await verifier.verify(own.issuer.token())
    assert own.issuer.asked == 1


async def test_many_first_tokens_ask_once(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    tokens = [own.issuer.token(sub=str(number)) for number in range(20)]
    await asyncio.gather(*map(verifier.verify, tokens))
    assert own.issuer.asked == 1


async def test_a_new_key_is_known_at_once(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    await verifier.verify(own.issuer.token())
    own.issuer.jwks.append(NEW.jwk())
    own.wait(PAUSE_SECONDS)
    await verifier.verify(own.issuer.token(NEW))
    await verifier.verify(own.issuer.token(OLD))


async def test_unknown_keys_ask_now_and_then_whoever_sends_them(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    for _ in range(3):
        for number in range(10):
            with pytest.raises(Unauthenticated):
                await verifier.verify(own.issuer.token(header={"kid": f"x{number}"}))
        own.wait(PAUSE_SECONDS)
    assert own.issuer.asked == 3


async def test_a_withdrawn_key_is_good_for_minutes_only(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    own.issuer.jwks.append(NEW.jwk())
    await verifier.verify(own.issuer.token(OLD))
    del own.issuer.jwks[0]
    own.wait(REFRESH_SECONDS)
    # This one sets the question going, and waits for nobody.
    await verifier.verify(own.issuer.token(OLD))
    await quiet(verifier)
    own.wait(FORGOTTEN)
    with pytest.raises(Unauthenticated):
        await verifier.verify(own.issuer.token(OLD))
    await verifier.verify(own.issuer.token(NEW))


async def test_known_keys_stay_while_the_issuer_is_away(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    await verifier.verify(own.issuer.token())
    own.issuer.instead = BROKEN
    asked = len(own.issuer.server.requests)
    for round_ in range(1, 4):
        own.wait(REFRESH_SECONDS)
        for _ in range(5):
            await verifier.verify(own.issuer.token(sub=str(round_)))
        await quiet(verifier)
        assert len(own.issuer.server.requests) == asked + round_
    with pytest.raises(Unauthenticated):
        await verifier.verify(own.issuer.token(NEW))


async def test_after_an_outage_it_is_asked_soon_again(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    own.issuer.instead = BROKEN
    for _ in range(5):
        with pytest.raises(Unavailable):
            await verifier.verify(own.issuer.token())
    assert len(own.issuer.server.requests) == 1
    own.issuer.instead = None
    own.wait(PAUSE_SECONDS)
    await verifier.verify(own.issuer.token())


async def test_nobody_waits_for_a_refresh(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    await verifier.verify(own.issuer.token())
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hesitate(visit: Visit) -> None:
        asked.set()
        await go_on.wait()
        await BROKEN(visit)

    own.issuer.instead = hesitate
    own.wait(REFRESH_SECONDS)
    await verifier.verify(own.issuer.token())
    await asked.wait()
    await verifier.verify(own.issuer.token())
    go_on.set()
    await quiet(verifier)


async def test_who_leaves_does_not_take_the_answer_from_others(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hesitate(visit: Visit) -> None:
        asked.set()
        await go_on.wait()
        own.issuer.instead = None
        await own.issuer.welcome(visit)

    own.issuer.instead = hesitate
    leaving = asyncio.create_task(verifier.verify(own.issuer.token()))
    staying = asyncio.create_task(verifier.verify(own.issuer.token(sub="bob")))
    await asked.wait()
    leaving.cancel()
    go_on.set()
    assert (await staying).credential == "oidc:bob"
    assert own.issuer.asked == 1


async def test_closing_ends_what_was_begun(own: Gate) -> None:
    asked = asyncio.Event()

    async def stay(visit: Visit) -> None:
        asked.set()
        await visit.stay()

    own.issuer.instead = stay
    async with own.verifier() as verifier:
        waiting = asyncio.create_task(verifier.verify(own.issuer.token()))
        await asked.wait()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await own.issuer.server.gone.wait()


async def test_a_verified_token_is_not_verified_again_for_a_moment(
    own: Gate, verifier: OidcTokenVerifier
) -> None:
    token = own.issuer.token()
    caller = await verifier.verify(token)
    assert await verifier.verify(token) is caller
    own.wait(FORGOTTEN)
    again = await verifier.verify(token)
    assert again == caller
    assert again is not caller
