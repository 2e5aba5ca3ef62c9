"""A Prometheus of the tests', that watches processes by our own rules."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import yaml

from photo.entrypoints.local.ports import choose_ports
from tests.e2e.processes import READY_SECONDS
from tests.monitoring.rules import RULES

#: Nothing is lost by waiting: most of it is there after half a minute.
_SECONDS = 500


class Question(NamedTuple):
    expression: str
    #: What some series of the answer must have, for the names of a panel's lines.
    labels: frozenset[str] = frozenset()


class Watcher:
    """A Prometheus."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, expression: str) -> list[Any]:
        answer = await self._client.get("/api/v1/query", params={"query": expression})
        assert answer.is_success, f"{expression}: {answer.text}"
        result: list[Any] = answer.json()["data"]["result"]
        return result

    async def has_data(self, question: Question) -> bool:
        return any(
            each["value"][1] != "NaN" and question.labels <= each["metric"].keys()
            for each in await self.ask(question.expression)
        )

    async def until_answered(self, questions: Iterable[Question]) -> list[Question]:
        """Those that have no data in the end."""
        left = [*dict.fromkeys(questions)]
        try:
            async with asyncio.timeout(_SECONDS):
                while left:
                    left = [each for each in left if not await self.has_data(each)]
                    await asyncio.sleep(1)
        except TimeoutError:
            return left
        return []


@asynccontextmanager
async def watching(
    program: str, folder: Path, targets: Mapping[str, Iterable[int]]
) -> AsyncIterator[Watcher]:
    """The ports of the processes, by job."""
    port = choose_ports(["prometheus"])["prometheus"]
    config = folder / "prometheus.yml"
    jobs = [
        {
            "job_name": job,
            "static_configs": [{"targets": [f"127.0.0.1:{each}" for each in ports]}],
        }
        for job, ports in targets.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config.write_text(
        yaml.safe_dump(
            {"global": every, "rule_files": [str(RULES)], "scrape_configs": jobs}
        )
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await _until_ready(client, process)
            yield Watcher(client)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def _until_ready(
    client: httpx.AsyncClient, process: asyncio.subprocess.Process
) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while process.returncode is None:
            try:
                if (await client.get("/-/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
    pytest.fail("Prometheus ended.")
