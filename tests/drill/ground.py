"""The application in memory on two sockets, with all that clients of it meet."""

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Collection,
    Iterable,
    Iterator,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import httpx

from drill.ledger import Ledger
from drill.photos import Photo
from drill.places import Places
from drill.receiver import Receiver, receiving
from photo.adapters.memory import (
    MemoryObjectLinks,
    MemoryRecognizer,
    MemoryScanner,
    MemoryWebhookSender,
)
from photo.application.ports import (
    Buckets,
    ObjectLinks,
    PhotoFetcher,
    Scanner,
    TextRecognizer,
    UploadForm,
    WebhookSender,
)
from photo.domain.text import Page
from photo.domain.upload import Upload
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.seaweedfs import S3Server
from photo.entrypoints.scanner_probes import eicar
from tests.drill.shaky import Deed, Shaky, ShakyStore, listening_store
from tests.http.listening import http_only, listening
from tests.http.service import Service, running
from tests.http.stand_ins import instead


class Links(MemoryObjectLinks):
    url = ""

    async def grant_upload(self, upload: Upload) -> UploadForm:
        return (await super().grant_upload(upload))._replace(url=self.url)


class Fetcher(PhotoFetcher):
    def check(self, url: str) -> None:
        """Anything goes."""

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        async with httpx.AsyncClient() as client:
            yield (await client.get(url)).content


class Sender(MemoryWebhookSender):
    def check(self, url: str) -> None:
        """Anything goes."""


class KnowingRecognizer(MemoryRecognizer):
    """Knows the words of photos by their bytes."""

    def __init__(self, photos: Collection[Photo]) -> None:
        super().__init__()
        self._known = {each.content: each.word for each in photos}

    async def recognize(self, page: Path) -> Page:
        content = await asyncio.to_thread(page.read_bytes)
        word = self._known.get(content)
        return await MemoryRecognizer(word or "Nothing").recognize(page)


@dataclass
class Ground:
    """What clients move on."""

    service: Service
    api: Shaky
    store: ShakyStore
    receiver: Receiver
    ledger: Ledger
    places: Places


def well(*deeds: Deed) -> Iterator[Deed]:
    """After these all is well."""
    return chain(deeds, repeat(Deed.WELL))


@asynccontextmanager
async def ground(
    *,
    seed: int,
    photos: Collection[Photo] = (),
    api: Iterable[Deed] = (),
    store: Iterable[Deed] = (),
) -> AsyncIterator[Ground]:
    links, ledger = Links(), Ledger()
    overrides = [
        instead(ObjectLinks, lambda: links),
        instead(PhotoFetcher, Fetcher),
        instead(WebhookSender, Sender),
        instead(Scanner | None, lambda: MemoryScanner({eicar(): "Eicar"})),
        instead(TextRecognizer, lambda: KnowingRecognizer(photos)),
    ]
    async with running(*overrides) as service, receiving(ledger, seed=seed) as receiver:
        shaky = Shaky(http_only(service.app), well(*api))
        raw = (await service.container.get(Buckets)).raw
        shaky_store = ShakyStore(raw, well(*store))
        async with (
            listening(http_only(shaky)) as one,
            listening(http_only(shaky)) as other,
            listening_store(shaky_store) as links.url,
        ):
            shaky.listeners.extend([one, other])
            places = _places(one.port, other.port)
            yield Ground(service, shaky, shaky_store, receiver, ledger, places)


def _places(*ports: int) -> Places:
    nowhere = Path("/nonexistent")
    return Places(
        api_urls=tuple(f"http://{HOST}:{port}" for port in ports),
        database_url="",
        s3=S3Server(endpoint="", region="", access_key_id="", secret_access_key=""),
        temporal_target="",
        temporal_namespace="",
        task_queue="",
        raw_bucket="",
        processed_bucket="",
        scratch=nowhere,
        logs=nowhere,
        clamd=True,
    )
