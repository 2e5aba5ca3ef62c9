import re
from pathlib import Path

import pytest

from photo.domain.errors import PhotoError
from photo.entrypoints.http.catalogue import CATALOGUE, Entry
from photo.entrypoints.http.error_pages import as_markdown
from photo.entrypoints.http.problems import narrower, status_of_code
from photo.entrypoints.http.refusals import REFUSALS
from tests.http.service import Service

CONTRACT = {
    *("validation_failed", "unauthenticated", "forbidden", "not_found"),
    *("rate_limited", "overloaded", "dependency_unavailable", "internal"),
    *("idempotency_mismatch", "idempotency_in_progress"),
    *("upload_missing", "upload_expired", "upload_used"),
    *("url_refused", "url_unreachable"),
    *("unsupported_media_type", "content_mismatch", "checksum_mismatch"),
    *("file_too_large", "image_too_large", "corrupt_image"),
    *("infected", "unscannable", "recognition_failed", "timed_out", "cancelled"),
    *("job_not_finished", "job_failed", "job_finished"),
}
ENTRIES = [*CATALOGUE.values()]


def test_the_catalogue_holds_the_codes_of_the_contract_and_no_others() -> None:
    assert CATALOGUE.keys() == CONTRACT


def test_every_error_that_can_be_raised_is_in_the_catalogue() -> None:
    kinds = [*narrower(PhotoError)]
    assert {kind.code for kind in kinds if hasattr(kind, "code")} == CONTRACT


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.code)
def test_an_entry_says_all_there_is_to_say(entry: Entry) -> None:
    assert status_of_code(entry.code) is entry.status
    assert entry.title[0].isupper()
    assert not entry.title.endswith(".")
    for sentence in (entry.means, entry.remedy):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_whatever_is_refused_early_has_a_code() -> None:
    assert {refusal.code for refusal in REFUSALS.values()} <= CATALOGUE.keys()


def test_the_page_in_the_repository_is_the_catalogue() -> None:
    command = "python -m photo.entrypoints.http.error_pages > docs/errors.md"
    assert Path("docs/errors.md").read_text() == as_markdown(), command


async def test_the_type_of_every_problem_leads_to_its_explanation(
    service: Service,
) -> None:
    anyone = await service.anyone()
    missing = (await anyone.get("/nothing")).json()
    page = await anyone.get(missing["type"])
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    places = re.findall(r'id="(\w+)"', page.text)
    assert {*places} == CONTRACT
    assert missing["type"].partition("#")[2] in places


async def test_the_page_is_whole_in_itself(service: Service) -> None:
    page = await (await service.anyone()).get("/docs/errors")
    assert "://" not in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
