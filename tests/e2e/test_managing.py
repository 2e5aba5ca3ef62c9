"""Retried, erased and cancelled, through the public API of real processes."""

import asyncio
from contextlib import suppress
from io import BytesIO
from typing import Any

import asyncpg
import httpx
import psutil

from tests.e2e.conftest import Service
from tests.e2e.test_intake import JPEG, ended, state
from tests.e2e.test_refusals import grant, send
from tests.pictures import a_text
from tests.services import Servers, s3_client

#: What may tell of a job that is gone: receipts, the audit log, counts.
KEPT = {"erasures", "audit_log", "usage_days", "alembic_version"}
#: Of half a second; the machine may be busy with other things.
AT_WORK = 0.05
WORD = "Zwetschgendatschi"


def photo_of(
    word: str, *, lines: int = 12, size: tuple[int, int] = (1200, 1500)
) -> bytes:
    said = [f"{line}" + f" {word} stands in each line" * 4 for line in range(lines)]
    file = BytesIO()
    a_text(said, size=size).convert("L").save(file, "TIFF", compression="tiff_lzw")
    return file.getvalue()


async def submitted(
    client: httpx.AsyncClient, data: bytes, name: str, **more: object
) -> dict[str, Any]:
    kind = "image/tiff" if name.endswith(".tif") else "image/jpeg"
    upload = await grant(client, content_type=kind, filename=name)
    assert (await send(upload, data)).is_success
    source = {"type": "upload", "upload_id": upload["id"]}
    answer = await client.post("/v1/jobs", json={"source": source, **more})
    job: dict[str, Any] = answer.raise_for_status().json()
    return job


async def mentions(servers: Servers, *needles: str) -> set[str]:
    """The tables with a row that holds one of these, as text or as bytes."""
    connection = await asyncpg.connect(servers.database_url.replace("+asyncpg", ""))
    try:
        await connection.execute("SET photo.tenant = '*'")
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        sought = [form for it in needles for form in (it, it.encode().hex())]
        pattern = "|".join(sought)
        return {
            name
            for (name,) in tables
            if await connection.fetchval(
                f"SELECT EXISTS (SELECT FROM {name} AS r WHERE r::text ~* $1)",  # noqa: S608 - a table's name
                pattern,
            )
        }
    finally:
        await connection.close()


async def objects(service: Service, servers: Servers, *needles: str) -> list[str]:
    """The keys of both buckets that hold one of these."""
    found = []
    async with s3_client(servers.s3) as s3:
        for name in ("S3_BUCKET_RAW", "S3_BUCKET_PROCESSED"):
            pages = s3.get_paginator("list_objects_v2").paginate(
                Bucket=service.env[name]
            )
            async for page in pages:
                found += [item["Key"] for item in page.get("Contents", ())]
    return [key for key in found if any(needle in key for needle in needles)]


async def test_a_job_is_retried_without_being_sent_again(service: Service) -> None:
    async with service.client() as client:
        job = await ended(client, await submitted(client, JPEG, "a.jpg"))
        answer = await client.post(f"{job['links']['self']}/retry")
        assert answer.status_code == 202
        again = await ended(client, answer.json())
        assert (again["status"], again["retry_of"]) == ("succeeded", job["id"])
        assert again["photo"] == job["photo"]
        files = (await client.get(again["links"]["files"])).json()["items"]
        (original,) = (file for file in files if file["name"] == "original")
        assert original["sha256"] == job["photo"]["sha256"]


async def test_of_an_erased_job_nothing_is_left_anywhere_but_its_receipt(
    service: Service, servers: Servers
) -> None:
    async with service.client() as client:
        job = await submitted(
            client,
            photo_of(WORD),
            f"{WORD}.tif",
            metadata={"note": WORD},
            webhook_url="http://127.0.0.1:9/",
        )
        job = await ended(client, job)
        assert WORD in job["text_preview"]
        ids = (job["id"], job["source"]["upload_id"])
        holding = {"jobs", "uploads", "job_metadata", "job_texts", "job_words"}
        assert holding | {"job_events"} <= await mentions(servers, *ids, WORD)
        assert len(await objects(service, servers, *ids)) == 7
        receipts = await asyncio.gather(
            *(client.delete(job["links"]["self"]) for _ in range(50))
        )
        assert {(each.status_code, each.text) for each in receipts} == {
            (200, receipts[0].text)
        }
        receipt = receipts[0]
        assert len(receipt.json()["objects"]) == 7
        assert (await client.get(job["links"]["self"])).status_code == 404
        assert await mentions(servers, *ids, WORD) <= KEPT
        assert await mentions(servers, WORD) == set()
        assert await objects(service, servers, *ids) == []
        found = await client.get("/v1/search", params={"q": WORD})
        assert found.json()["items"] == []
        again = await client.delete(job["links"]["self"])
        assert again.json() == receipt.json()


async def test_cancelling_stops_the_work_within_seconds(service: Service) -> None:
    async with service.client() as client:
        # One call to one child, which takes some ten seconds of a processor.
        dense = photo_of("Long", lines=60, size=(3000, 6000))
        job = await submitted(client, dense, "long.tif")
        await state(client, job, step="recognize")
        busy = await working(service)
        cancelled = await client.post(f"{job['links']['self']}/cancel")
        assert cancelled.status_code == 202
        assert await asyncio.to_thread(psutil.wait_procs, [busy], 60) == ([busy], [])
        after = await ended(client, await submitted(client, JPEG, "a.jpg"))
        assert after["status"] == "succeeded"
        left = await client.get(job["links"]["self"])
        assert left.json()["status"] == "cancelled"


async def working(service: Service) -> psutil.Process:
    """An imaging process that is at work, as soon as there is one."""
    async with asyncio.timeout(60):
        while True:
            before = spent(service)
            await asyncio.sleep(0.5)
            after = spent(service)
            for child in before.keys() & after.keys():
                if after[child] - before[child] > AT_WORK:
                    return child


def spent(service: Service) -> dict[psutil.Process, float]:
    """Seconds of processor time, of every process below the worker."""
    times = {}
    for child in service.worker.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            times[child] = sum(child.cpu_times()[:2])
    return times
