"""Decoding and OCR of the running service."""

from collections.abc import AsyncIterator
from typing import NewType

import aioboto3
from botocore.config import Config
from dishka import Provider, Scope, from_context, provide

from photo.adapters.imaging import ImagingPool, PillowNormalizer, RapidOcrRecognizer
from photo.adapters.textract import TextractRecognizer
from photo.application.ports import ImageNormalizer, TextRecognizer
from photo.entrypoints.settings import Settings

#: How many photos are decoded or read at once, each in a process of its own.
ImageProcesses = NewType("ImageProcesses", int)

_TEXTRACT = Config(
    connect_timeout=3, read_timeout=60, retries={"total_max_attempts": 1}
)


class Imaging(Provider):
    """Child processes, started by whoever first asks: only workers do."""

    scope = Scope.APP

    processes = from_context(ImageProcesses)
    normalizer = provide(PillowNormalizer, provides=ImageNormalizer)

    @provide
    async def pool(self, processes: ImageProcesses) -> AsyncIterator[ImagingPool]:
        async with ImagingPool(workers=processes) as pool:
            yield pool

    @provide
    async def recognizer(
        self, settings: Settings, pool: ImagingPool
    ) -> AsyncIterator[TextRecognizer]:
        if settings.ocr_engine == "rapidocr":
            yield RapidOcrRecognizer(pool)
            return
        session = aioboto3.Session(
            aws_access_key_id=settings.aws_access_key_id,
            aws_secret_access_key=settings.aws_secret_access_key,
            aws_session_token=settings.aws_session_token,
            region_name=settings.aws_region,
        )
        async with session.client("textract", config=_TEXTRACT) as client:
            yield TextractRecognizer(client)
