"""Search over HTTP: what is found, and that nobody but the caller learns of it."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from structlog.testing import capture_logs

from photo.adapters.memory import MemoryRecognizer
from photo.application.ports import TextRecognizer
from photo.domain.access import Tenant
from photo.domain.text import Page
from tests.http.conftest import Run
from tests.http.service import Service
from tests.http.stand_ins import instead
from tests.makers import a_box, a_line, new_id


async def search(api: httpx.AsyncClient, q: str, **query: Any) -> dict[str, Any]:
    answer = await api.get("/v1/search", params={"q": q, **query})
    page: dict[str, Any] = answer.raise_for_status().json()
    return page


async def test_a_photo_is_found_by_what_was_read_on_it(
    service: Service, api: httpx.AsyncClient
) -> None:
    job = await service.job(api)
    for q in ("hello", "PHOTO", "Hello photo", '"hello photo"', "hel*", "phótò"):
        assert await search(api, q) == {
            "items": [
                {
                    "job_id": job["id"],
                    "snippet": "Hello photo",
                    "matches": [
                        {
                            "text": text,
                            "page": 1,
                            "polygon": [[*corner] for corner in a_box()],
                        }
                        for text in ("Hello", "photo")
                        if text.lower()[:3] in q.lower().replace("ó", "o")
                    ],
                }
            ],
            "next_cursor": None,
        }, q
    for q in ("goodbye", '"photo hello"', "hell"):
        assert await search(api, q) == {"items": [], "next_cursor": None}


async def test_pages_lead_from_the_newest_to_the_oldest(
    service: Service, api: httpx.AsyncClient
) -> None:
    jobs = [(await service.job(api))["id"] for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = await search(
            api, "hello", limit=2, **({"cursor": cursor} if cursor else {})
        )
        assert 1 <= len(page["items"]) <= 2
        seen += [item["job_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == jobs[::-1]


async def test_another_tenants_texts_are_not_found(
    service: Service, api: httpx.AsyncClient
) -> None:
    await service.job(api)
    stranger = await service.client(Tenant(new_id("tenant")))
    assert (await search(stranger, "hello"))["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("q=", "q=%20", "q=*", "q=%22%22", "q=ab*", "q=!!!", "q=" + "x" * 201),
        "q=" + "+".join(f"w{n}" for n in range(21)),
        *("q=a&limit=0", "q=a&limit=201", "q=a&cursor=x", "q=a&query=b"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(
    api: httpx.AsyncClient, query: str
) -> None:
    answer = await api.get(f"/v1/search?{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "validation_failed"
    assert answer.json()["errors"][0]["pointer"].startswith("/")


async def test_a_search_needs_a_query(api: httpx.AsyncClient) -> None:
    answer = await api.get("/v1/search")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "/q", "detail": "The parameter q is required."}
    ]


@pytest.mark.parametrize(
    "q", ["\x00a", "a%\\_'\";--", "a\u202eb", "\U0001f600a", "((a", "a:*&!b", "-a"]
)
async def test_whatever_is_typed_is_but_words(api: httpx.AsyncClient, q: str) -> None:
    assert (await search(api, q))["items"] == []


async def test_what_is_searched_for_is_in_no_log(
    service: Service, api: httpx.AsyncClient
) -> None:
    await service.job(api)
    with capture_logs() as logs:
        await search(api, "hello")
        for wrong in ("canary ab*", "canary " * 21):
            await api.get(f"/v1/search?q={quote(wrong)}")
    assert len(logs) == 3
    assert "canary" not in str(logs)
    assert "hello" not in str(logs).lower()


async def test_matches_name_their_page(run: Run) -> None:
    class Long(MemoryRecognizer):
        def __init__(self) -> None:
            """Take no text: there is one."""

        async def recognize(self, page: Path) -> Page:
            words = " ".join(f"word{number}" for number in range(100))
            return Page(100, 100, (a_line(words), a_line("Total"), a_line(words)))

    service = await run(instead(TextRecognizer, Long))
    api = await service.client()
    await service.job(api)
    [found] = (await search(api, "total"))["items"]
    assert [(match["text"], match["page"]) for match in found["matches"]] == [
        ("Total", 1)
    ]
    assert "Total" in found["snippet"]
    assert found["snippet"].startswith("… ")
    assert found["snippet"].endswith(" …")
    assert len(found["snippet"]) < 210
