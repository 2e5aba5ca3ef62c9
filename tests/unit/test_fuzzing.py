"""The files of `make hostile`."""

import subprocess
import sys
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from hostile import png
from hostile.cases import KINDS, corpus, good_cases, variant, variants
from hostile.lies import FIELDS, PIECES
from hostile.lies.png import mended
from hostile.photos import HEADING, PAGES, Photo, good_photos
from photo.domain.media import SNIFF_BYTES, MediaType

SEED, COUNT = 3, 80
DIGEST = f"from tests.unit.test_fuzzing import digest; print(digest({SEED}))"
EVERY_PHOTO = pytest.mark.parametrize(
    "photo", good_photos(), ids=[photo.name for photo in good_photos()]
)


def digest(seed: int) -> str:
    everything = sha256()
    for kind in KINDS:
        for number in range(10):
            attempt = variant(kind, seed, number)
            everything.update(f"{attempt.content_type} {attempt.sha256}".encode())
            everything.update(attempt.content)
    return everything.hexdigest()


def test_a_seed_gives_the_same_files_in_another_process() -> None:
    again = subprocess.check_output([sys.executable, "-c", DIGEST], text=True)
    assert again.strip() == digest(SEED)


def test_another_seed_gives_other_files() -> None:
    assert digest(SEED) != digest(SEED + 1)


def test_more_variants_leave_the_first_ones_as_they_are() -> None:
    assert [*variants(SEED, 10)] == [*variants(SEED, 20)][:10]


def test_every_kind_comes_within_a_hundred_files() -> None:
    assert {case.kind for case in variants(SEED, 100)} == {*KINDS}


def test_names_are_different() -> None:
    names = [case.name for case in (*good_cases(), *variants(SEED, COUNT))]
    assert len(names) == len({*names})


def test_every_accepted_type_is_among_the_good() -> None:
    assert {photo.content_type for photo in good_photos()} == {*MediaType}


def test_good_files_are_sent_as_they_are() -> None:
    before = [photo.content for photo in good_photos()]
    assert [*variants(SEED, COUNT)]
    assert [case.attempt.content for case in good_cases()] == before


def test_a_corpus_is_sent_as_what_its_files_seem_to_be(tmp_path: Path) -> None:
    photo = next(p for p in good_photos() if p.content_type is MediaType.PNG)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "named-wrongly.jpg").write_bytes(photo.content)
    (tmp_path / "broken.gif").write_bytes(b"no magic")
    (tmp_path / "unheard.of").write_bytes(b"")
    sent = {case.name: case.attempt.content_type for case in corpus(tmp_path)}
    assert sent == {
        "broken.gif": "image/gif",
        "deep/named-wrongly.jpg": "image/png",
        "unheard.of": "image/jpeg",
    }


@EVERY_PHOTO
def test_a_good_photo_is_what_it_says(photo: Photo) -> None:
    assert MediaType.of(photo.content[:SNIFF_BYTES]) is photo.content_type
    with Image.open(BytesIO(photo.content)) as image:
        assert ImageOps.exif_transpose(image).size == (320, 120)
    assert photo.text.startswith(HEADING)
    pages = PAGES if photo.name == "tiff-pages" else 1
    assert photo.text.count("\f") == pages - 1


def test_good_photos_can_be_told_apart_by_their_texts() -> None:
    assert len({photo.text for photo in good_photos()}) == len(good_photos())


@EVERY_PHOTO
def test_fields_lie_within_the_file(photo: Photo) -> None:
    fields = [*FIELDS[photo.content_type](photo.content)]
    assert fields
    for field in fields:
        assert field.write(photo.content, field.read(photo.content)) == photo.content


@EVERY_PHOTO
def test_pieces_add_up_to_the_file(photo: Photo) -> None:
    if pieces := PIECES.get(photo.content_type):
        assert b"".join(pieces(photo.content)) == photo.content


def test_a_png_that_lies_has_the_right_checksums() -> None:
    photo = next(p for p in good_photos() if p.content_type is MediaType.PNG)
    width = next(f for f in FIELDS[MediaType.PNG](photo.content) if f.name == "width")
    lie = mended(width.write(photo.content, 60_000), photo.content)
    assert png.joined(png.chunks_of(lie)) == lie
    with Image.open(BytesIO(lie)) as image:
        assert image.width == 60_000
