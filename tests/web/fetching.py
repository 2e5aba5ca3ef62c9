"""A photo fetcher whose world of names is the test's."""

import socket
import ssl
from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network

from photo.adapters.web.client import GuardedClient, Limits
from photo.adapters.web.fetcher import HttpPhotoFetcher
from photo.adapters.web.resolver import Resolver
from photo.application.ports import PhotoFetcher
from photo.domain.addresses import Address, WebPolicy

NAME = "photos.example"
LOOPBACK = WebPolicy(allow_http=True, networks=(ip_network("127.0.0.0/8"),))
ONE_HOST = WebPolicy(allow_http=True, networks=(ip_network("127.0.0.2/32"),))
ELSEWHERE = WebPolicy(allow_http=True, networks=(ip_network("10.77.0.0/16"),))

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Names:
    """Answers for each name, one after the other, the last one for ever."""

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._answers = {name: list(listed) for name, listed in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        if host not in self._answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        answers = self._answers[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(address) for address in found]


def named(*answers: Sequence[str]) -> Names:
    """Only `NAME` exists."""
    return Names({NAME: answers})


def fetcher(
    policy: WebPolicy = LOOPBACK,
    *,
    resolve: Resolver | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> PhotoFetcher:
    client = GuardedClient(
        policy, resolve=resolve or Names({}), limits=limits, tls=tls or TRUSTS_NOBODY
    )
    return HttpPhotoFetcher(client)


async def fetched(
    fetcher: PhotoFetcher, url: str, *, max_bytes: int = 1 << 20
) -> bytes:
    chunks = fetcher.fetch(url, max_bytes=max_bytes)
    return b"".join([chunk async for chunk in chunks])
