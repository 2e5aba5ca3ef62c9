"""Where the fetcher connects to, told by a canary that must see nobody."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from photo.adapters.web.resolver import SystemResolver
from photo.domain.addresses import WebPolicy
from photo.domain.errors import UrlRefused, UrlUnreachable
from tests.hostile_server import (
    Deed,
    HostileServer,
    Visit,
    answer,
    redirects,
    says,
    says_and_stays,
    serving,
)
from tests.web.fetching import (
    ELSEWHERE,
    NAME,
    ONE_HOST,
    Names,
    fetched,
    fetcher,
    named,
)

ALLOWED = "127.0.0.2"
FORBIDDEN = "127.0.0.1"


@pytest.fixture
async def canary() -> AsyncIterator[HostileServer]:
    async with serving(says(answer(b"secret")), host=FORBIDDEN) as canary:
        yield canary
    assert canary.connections == 0


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",  # noqa: S104 # a host to refuse, not to bind
        "127.0.0.1.",
        "127.0.0.1%00.example",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "1.1.1.1@127.0.0.1",
        "127.0.0.1#@photos.example",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2606:4700::5efe:127.0.0.1]",
        "localhost",
        "LocalHost",
        "localhost.",
        "ip6-localhost",
    ],
)
async def test_no_spelling_of_loopback_is_connected_to(
    canary: HostileServer, host: str
) -> None:
    fetching = fetcher(ELSEWHERE, resolve=SystemResolver())
    with pytest.raises((UrlRefused, UrlUnreachable)):
        await fetched(fetching, f"http://{host}:{canary.port}/")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1"],
)
async def test_a_name_of_an_address_that_is_not_public_is_refused(
    canary: HostileServer, address: str
) -> None:
    fetching = fetcher(ELSEWHERE, resolve=named([address]))
    with pytest.raises(UrlRefused, match="not public"):
        await fetched(fetching, f"http://{NAME}:{canary.port}/")


async def test_a_refusal_tells_nothing_of_what_is_there(canary: HostileServer) -> None:
    async with serving(says(b""), host=FORBIDDEN) as closed:
        pass
    refusals = []
    for port in (canary.port, closed.port):
        fetching = fetcher(ELSEWHERE, resolve=named([FORBIDDEN]))
        with pytest.raises(UrlRefused) as refusal:
            await fetched(fetching, f"http://{NAME}:{port}/")
        refusals.append((str(refusal.value), refusal.value.reason))
    assert refusals[0] == refusals[1]
    assert FORBIDDEN not in refusals[0][0]
    assert NAME not in refusals[0][0]


@pytest.mark.parametrize(
    "answers", [[ALLOWED, FORBIDDEN], [FORBIDDEN, ALLOWED], [ALLOWED, "::1"]]
)
async def test_one_forbidden_address_among_others_condemns_the_name(
    answers: list[str],
) -> None:
    names = named(answers)
    async with (
        serving(says(answer(b"x")), host=ALLOWED) as server,
        serving(says(answer(b"x")), host=FORBIDDEN, port=server.port) as canary,
    ):
        with pytest.raises(UrlRefused):
            await fetched(
                fetcher(ONE_HOST, resolve=names), f"http://{NAME}:{server.port}/"
            )
    assert (server.connections, canary.connections) == (0, 0)


async def test_a_name_is_looked_up_once_and_that_address_connected_to() -> None:
    names = named([ALLOWED], [FORBIDDEN])
    async with (
        serving(says(answer(b"photo")), host=ALLOWED) as server,
        serving(says(answer(b"secret")), host=FORBIDDEN, port=server.port) as canary,
    ):
        url = f"http://{NAME}:{server.port}/"
        assert await fetched(fetcher(ONE_HOST, resolve=names), url) == b"photo"
    assert names.asked == [NAME]
    assert canary.connections == 0


async def test_a_name_that_changes_its_mind_on_a_redirect_is_refused() -> None:
    names = named([ALLOWED], [FORBIDDEN])
    async with (
        serving(redirects("/again"), host=ALLOWED) as server,
        serving(says(answer(b"secret")), host=FORBIDDEN, port=server.port) as canary,
    ):
        with pytest.raises(UrlRefused):
            await fetched(
                fetcher(ONE_HOST, resolve=names), f"http://{NAME}:{server.port}/"
            )
    assert names.asked == [NAME, NAME]
    assert (server.connections, canary.connections) == (1, 0)


async def test_the_peer_of_a_connection_is_who_was_meant() -> None:
    """Linux takes 0.0.0.0 for the machine itself: another address than was checked."""
    anyone = "0.0.0.0"  # noqa: S104 # an address to connect to, not to bind
    policy = WebPolicy(allow_http=True, networks=(ip_network(f"{anyone}/32"),))
    async with serving(says(answer(b"secret")), host=FORBIDDEN) as canary:
        with pytest.raises(UrlRefused, match="another host"):
            await fetched(fetcher(policy), f"http://{anyone}:{canary.port}/")
    assert canary.requests == []


async def test_the_next_address_is_tried_where_nobody_listens() -> None:
    names = named(["127.0.0.3", "127.0.0.4", ALLOWED])
    async with serving(says(answer(b"photo")), host=ALLOWED) as server:
        url = f"http://{NAME}:{server.port}/"
        assert await fetched(fetcher(resolve=names), url) == b"photo"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://rebound.example:{port}/",
        "http://user:password@127.0.0.2:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_GET",
        "\\\\127.0.0.1:{port}\\",
    ],
)
async def test_a_redirect_leads_nowhere_that_is_forbidden(
    canary: HostileServer, status: int, location: str
) -> None:
    names = Names(
        {
            NAME: [[ALLOWED]],
            "rebound.example": [[FORBIDDEN]],
            "localhost": [[FORBIDDEN]],
            "metadata.google.internal": [["169.254.169.254"]],
        }
    )
    target = location.format(port=canary.port)
    async with serving(redirects(target, status), host=ALLOWED) as server:
        with pytest.raises(UrlRefused) as refusal:
            await fetched(
                fetcher(ONE_HOST, resolve=names), f"http://{NAME}:{server.port}/"
            )
    assert server.connections == 1
    assert "127" not in str(refusal.value)


def counting_down(status: int = 302) -> Deed:
    """`/3` leads to `/2`, and so on; `/0` is a file."""

    async def deed(visit: Visit) -> None:
        left = int(visit.path[1:])
        if left:
            await redirects(f"/{left - 1}", status)(visit)
        else:
            await visit.say(answer(b"photo"))

    return deed


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_three_redirects_are_followed(status: int) -> None:
    async with serving(counting_down(status)) as server:
        assert await fetched(fetcher(), f"{server.url}3") == b"photo"
    assert server.connections == 4


@pytest.mark.parametrize("deed", [counting_down(), redirects("/4")])
async def test_a_fourth_redirect_is_not_followed(deed: Deed) -> None:
    async with serving(deed) as server:
        with pytest.raises(UrlUnreachable, match="more than 3") as failure:
            await fetched(fetcher(), f"{server.url}4")
    assert server.connections == 4
    assert not failure.value.retryable


@pytest.mark.parametrize(
    "headers", [[], ["Location:"], ["Location: /a", "Location: /b"]]
)
async def test_a_redirect_to_nowhere_ends_the_matter(headers: list[str]) -> None:
    async with serving(says(answer(b"", *headers, status=302))) as server:
        with pytest.raises((UrlUnreachable, UrlRefused)) as failure:
            await fetched(fetcher(), server.url)
    assert server.connections == 1
    assert not failure.value.retryable


async def test_a_connection_is_closed_before_a_redirect_is_followed() -> None:
    async with serving(says_and_stays(b"")) as first:

        async def deed(visit: Visit) -> None:
            await first.gone.wait()
            await visit.say(answer(b"photo"))

        async with serving(deed) as second:
            moved = answer(b"", f"Location: {second.url}", status=302, length=5)
            first.deed = says_and_stays(moved)
            assert await fetched(fetcher(), first.url) == b"photo"
