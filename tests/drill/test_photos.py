"""Photos of the drill: replayable, each unlike all others, and bad as their kind is."""

from pathlib import Path

import pytest

from drill.ledger import ENDINGS, Kind
from drill.photos import _word, photo
from photo.adapters.imaging.normalize import normalize_page
from photo.domain.errors import PhotoError
from photo.domain.media import SNIFF_BYTES, MediaType
from photo.entrypoints.scanner_probes import eicar

SENT = [*Kind]


@pytest.mark.parametrize("kind", SENT)
def test_a_number_is_the_same_photo_again(kind: Kind) -> None:
    assert [photo(7, n, kind) for n in range(9)] == [
        photo(7, n, kind) for n in range(9)
    ]


@pytest.mark.parametrize("kind", SENT)
def test_every_photo_looks_like_the_type_that_it_is_sent_as(kind: Kind) -> None:
    for number in range(9):
        sent = photo(7, number, kind)
        assert sent.kind is kind
        assert MediaType.of(sent.content[:SNIFF_BYTES]) is sent.content_type


def test_no_two_good_photos_are_alike() -> None:
    photos = [photo(7, number) for number in range(30)]
    assert len({each.content for each in photos}) == len(photos)
    assert len({each.content_type for each in photos}) == 6


def test_no_word_stands_on_two_photos() -> None:
    words = [_word(7, number) for number in range(3000)]
    assert len({*words}) == len(words)
    assert photo(7, 5).word == words[5] != photo(8, 5).word


def test_only_infected_photos_have_the_signature() -> None:
    for kind in SENT:
        assert (eicar() in photo(7, 3, kind).content) == (kind is Kind.INFECTED)


@pytest.mark.parametrize(("kind", "many"), [(Kind.CORRUPT, 20), (Kind.BOMB, 3)])
def test_bad_photos_fail_as_their_kind_does(
    kind: Kind, many: int, tmp_path: Path
) -> None:
    file = tmp_path / "photo"
    for number in range(many):
        sent = photo(7, number, kind)
        file.write_bytes(sent.content)
        with pytest.raises(PhotoError) as failure:
            normalize_page(file, sent.content_type, 1, tmp_path)
        assert failure.value.code in ENDINGS[kind]
