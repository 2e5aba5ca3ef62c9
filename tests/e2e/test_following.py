"""A real job, followed while real workers process it, and found afterwards."""

from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.e2e.conftest import Service

SAMPLES = Path(__file__).parents[2] / "samples"
STEPS = ["fetch", "verify", "scan", "normalize", "recognize", "publish"]


async def events(
    client: httpx.AsyncClient, path: str, *, after: int, most: int
) -> list[tuple[int, dict[str, Any]]]:
    """So many events, or all to the end of the stream."""
    found = []
    headers = {"Last-Event-ID": str(after)}
    async with client.stream("GET", path, headers=headers) as answer:
        number = after
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                number = int(value)
            if name == "data":
                found.append((number, msgspec.json.decode(value)))
            if len(found) == most:
                break
    return found


async def test_a_job_is_followed_through_its_steps_and_found_by_its_words(
    service: Service,
) -> None:
    async with service.client() as client:
        accepted = await client.post(
            "/v1/read?wait=0",
            content=(SAMPLES / "receipt.jpg").read_bytes(),
            headers={"Content-Type": "image/jpeg"},
        )
        job = accepted.raise_for_status().json()
        seen: list[tuple[int, dict[str, Any]]] = []
        while not seen or seen[-1][1]["finished_at"] is None:
            last = seen[-1][0] if seen else 0
            # The stream is left after every other event.
            seen += await events(client, job["links"]["events"], after=last, most=2)
        assert [number for number, _ in seen] == [*range(1, len(seen) + 1)]
        steps = dict.fromkeys(state["step"] for _, state in seen if state["step"])
        assert [*steps] == [step for step in STEPS if step in steps]
        assert {"verify", "normalize", "recognize", "publish"} <= {*steps}
        shown = (await client.get(job["links"]["self"])).json()
        assert seen[-1][1] == shown
        assert shown["status"] == "succeeded"

        word = max(shown["text_preview"].split(), key=len)
        found = (await client.get("/v1/search", params={"q": word})).json()
        item = next(item for item in found["items"] if item["job_id"] == job["id"])
        assert item["matches"][0]["page"] == 1
        result = (await client.get(job["links"]["result"])).json()
        words = [
            word["text"]
            for line in result["pages"][0]["lines"]
            for word in line["words"]
        ]
        assert {match["text"] for match in item["matches"]} <= {*words}
    async with service.client(service.other_tenants_key) as stranger:
        assert (await stranger.get(job["links"]["events"])).status_code == 404
        assert (await stranger.get("/v1/search", params={"q": word})).json() == {
            "items": [],
            "next_cursor": None,
        }
