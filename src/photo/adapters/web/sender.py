"""WebhookSender over HTTP."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from photo import __version__
from photo.adapters.web.client import Answer, GuardedClient, translated
from photo.application.ports import Clock, Receipt, WebhookSender

_HEADERS: Mapping[str, str] = {
    "User-Agent": f"photo-api/{__version__}",
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
}
_SECONDS = re.compile(r"\d{1,9}")


class HttpWebhookSender(WebhookSender):
    """Waits for the answer's head no longer than the client's limit in all."""

    def __init__(self, client: GuardedClient, now: Clock) -> None:
        self._client = client
        self._now = now

    def check(self, url: str) -> None:
        self._client.policy.check(url)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Receipt:
        place = self._client.policy.check(url)
        length = {"Content-Length": str(len(body))}
        with translated():
            async with (
                asyncio.timeout(self._client.limits.total),
                self._client.request(
                    "POST", place, {**_HEADERS, **headers, **length}, body
                ) as answer,
            ):
                return Receipt(answer.status, self._retry_after(answer))

    def _retry_after(self, answer: Answer) -> timedelta | None:
        value = answer.header("Retry-After")
        if _SECONDS.fullmatch(value):
            return timedelta(seconds=int(value))
        try:
            moment = parsedate_to_datetime(value)
        except (OverflowError, ValueError):
            return None
        return _aware(moment) - self._now()


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
