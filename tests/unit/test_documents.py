import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.adapters.documents import JsonDocuments
from photo.domain.files import Manifest, StoredFile
from photo.domain.job import JobId
from photo.domain.text import Line, Page, RecognizedText
from tests.makers import ENGINE, NOW, a_box, a_text

JOB_ID = JobId("job_01k")
documents = JsonDocuments()

TEXTS = st.text(st.characters(codec="utf-8"))


def a_manifest(*names: str) -> Manifest:
    return Manifest(
        job_id=JOB_ID,
        created_at=NOW,
        engine=ENGINE,
        files=tuple(StoredFile(name, "image/jpeg", 7, "ab" * 32) for name in names),
    )


def test_the_result_is_as_the_contract_has_it() -> None:
    assert json.loads(documents.result(JOB_ID, a_text(("Hello photo",), ()))) == {
        "job_id": "job_01k",
        "engine": {"name": "memory", "version": "1", "model": "none"},
        "text": "Hello photo\f",
        "pages": [
            {
                "width": 100,
                "height": 100,
                "lines": [
                    {
                        "text": "Hello photo",
                        "confidence": 0.98,
                        "polygon": [[10, 10], [90, 10], [90, 30], [10, 30]],
                        "words": [
                            {
                                "text": word,
                                "confidence": 0.98,
                                "polygon": [[10, 10], [90, 10], [90, 30], [10, 30]],
                            }
                            for word in ("Hello", "photo")
                        ],
                    }
                ],
            },
            {"width": 100, "height": 100, "lines": []},
        ],
    }


def test_numbers_are_as_fine_as_they_need_to_be() -> None:
    line = Line("x", 0.123456, a_box(1 / 3, 2 / 3))
    text = RecognizedText(ENGINE, (Page(100, 100, (line,)),))
    written = json.loads(documents.result(JOB_ID, text))["pages"][0]["lines"][0]
    assert (written["confidence"], written["polygon"][0]) == (0.1235, [0.3, 0.7])


@given(lines=st.lists(TEXTS, max_size=3))
def test_every_script_is_written_and_read_back(lines: list[str]) -> None:
    text = a_text(tuple(lines))
    assert json.loads(documents.result(JOB_ID, text))["text"] == text.text


@given(lines=st.lists(TEXTS, max_size=3))
def test_a_result_is_read_as_it_was_written(lines: list[str]) -> None:
    text = a_text(tuple(lines), ())
    read = documents.read_result(documents.result(JOB_ID, text))
    assert (read.job_id, read.engine, read.page_count) == (JOB_ID, ENGINE, 2)
    assert tuple(read.pages) == text.pages


def test_a_page_is_decoded_when_it_is_its_turn() -> None:
    engine = b'{"name":"a","version":"1","model":"b"}'
    pages = b'[{"width":9,"height":9,"lines":[]},{"width":"none"}]'
    stored = b'{"job_id":"job_01k","engine":%b,"pages":%b}' % (engine, pages)
    read = documents.read_result(stored)
    assert next(read.pages) == Page(9, 9)
    with pytest.raises(msgspec.ValidationError):
        next(read.pages)


def test_the_same_job_makes_the_same_bytes() -> None:
    assert documents.result(JOB_ID, a_text()) == documents.result(JOB_ID, a_text())
    assert documents.manifest(a_manifest("a")) == documents.manifest(a_manifest("a"))


def test_a_manifest_is_read_as_it_was_written() -> None:
    manifest = a_manifest("original", "normalized.jpg")
    assert documents.read_manifest(documents.manifest(manifest)) == manifest


def test_a_manifest_is_written_for_people_too() -> None:
    lines = documents.manifest(a_manifest("original")).decode().splitlines()
    assert lines[1] == '  "job_id": "job_01k",'


def test_times_are_rfc_3339_in_utc() -> None:
    written = json.loads(documents.manifest(a_manifest()))["created_at"]
    assert written == "2026-01-02T03:04:05Z"
    assert datetime.fromisoformat(written) == NOW.astimezone(UTC)
