"""Other people's servers, with a span for each call; nothing tells them of it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from opentelemetry.semconv.attributes.http_attributes import HTTP_RESPONSE_STATUS_CODE
from opentelemetry.trace import Tracer

from photo.adapters.tracing.calls import BYTES, calling, counted
from photo.application.ports import PhotoFetcher, Receipt, WebhookSender


class TracedFetcher(PhotoFetcher):
    def __init__(self, fetcher: PhotoFetcher, tracer: Tracer) -> None:
        self._fetcher = fetcher
        self._tracer = tracer

    def check(self, url: str) -> None:
        self._fetcher.check(url)

    async def fetch(self, url: str, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
        with calling(self._tracer, "web", "fetch") as span:
            async with (
                aclosing(self._fetcher.fetch(url, max_bytes=max_bytes)) as chunks,
                aclosing(counted(chunks, span)) as given,
            ):
                async for chunk in given:
                    yield chunk


class TracedSender(WebhookSender):
    def __init__(self, sender: WebhookSender, tracer: Tracer) -> None:
        self._sender = sender
        self._tracer = tracer

    def check(self, url: str) -> None:
        self._sender.check(url)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        with calling(self._tracer, "web", "send") as span:
            span.set_attribute(BYTES, len(body))
            receipt = await self._sender.send(url, headers, body)
            span.set_attribute(HTTP_RESPONSE_STATUS_CODE, receipt.status_code)
            return receipt
