"""Every sample through the public API, on the real stack, to the right text."""

import hashlib
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from rapidfuzz.distance import Levenshtein

from photo.entrypoints.client import PhotoClient, photos_in
from tests.e2e.conftest import Service

SAMPLES = Path("samples")
GPS_IFD = 0x8825


async def read(service: Service, photo: Path) -> tuple[dict[str, Any], str]:
    async with PhotoClient.connect(service.url, service.key) as client:
        job = await client.ended(await client.submit_file(photo))
        return job, await client.text(job)


async def files_of(service: Service, job: dict[str, Any]) -> dict[str, Any]:
    async with service.client() as client:
        items = (await client.get(f"/v1/jobs/{job['id']}/files")).json()["items"]
    return {item["name"]: item for item in items}


async def fetch(url: str) -> bytes:
    async with httpx.AsyncClient(timeout=60) as client:
        return (await client.get(url)).raise_for_status().content


@pytest.mark.parametrize("photo", photos_in(SAMPLES), ids=lambda photo: photo.name)
async def test_a_sample_is_read_to_its_text(service: Service, photo: Path) -> None:
    job, text = await read(service, photo)
    expected = photo.with_suffix(".txt").read_text(encoding="utf-8")
    wrong = Levenshtein.normalized_distance(
        "".join(text.split()), "".join(expected.split())
    )
    assert job["status"] == "succeeded"
    assert wrong < 0.05
    assert text.count("\f") == expected.count("\f")


async def test_every_file_is_what_the_manifest_says(service: Service) -> None:
    job, _ = await read(service, SAMPLES / "minutes.tiff")
    files = await files_of(service, job)
    assert set(files) == {
        *("original", "normalized.jpg", "normalized-2.jpg", "normalized-3.jpg"),
        *("thumbnail.webp", "text.json", "text.txt", "manifest.json"),
    }
    for file in files.values():
        content = await fetch(file["url"])
        assert len(content) == file["size_bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]


async def test_a_photo_is_upright_and_its_metadata_is_gone(service: Service) -> None:
    photo = SAMPLES / "parcel-exif6.jpg"
    with Image.open(photo) as stored:
        stored_size = stored.size
        assert stored.getexif().get_ifd(GPS_IFD)
    job, _ = await read(service, photo)
    files = await files_of(service, job)
    assert (job["photo"]["width"], job["photo"]["height"]) == stored_size[::-1]
    for name in ("normalized.jpg", "thumbnail.webp"):
        content = await fetch(files[name]["url"])
        with Image.open(io.BytesIO(content)) as image:
            assert (image.width < image.height) == (stored_size[1] < stored_size[0])
            assert not image.getexif()
            assert "icc_profile" not in image.info


async def test_a_word_lies_where_the_result_says(service: Service) -> None:
    job, _ = await read(service, SAMPLES / "notice-sideways.jpg")
    async with service.client() as client:
        result = (await client.get(f"/v1/jobs/{job['id']}/result")).json()
    page = result["pages"][0]
    assert page["width"] < page["height"]
    heading = page["lines"][0]
    assert [word["text"] for word in heading["words"]] == ["LOST", "CAT"]
    left, right = (word["polygon"] for word in heading["words"])
    assert 0 < left[0][0] < left[1][0] <= right[0][0] < right[1][0] < page["width"]
    assert 0 < left[0][1] < left[3][1] < page["height"]
