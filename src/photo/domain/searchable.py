"""What was read of a photo, kept so that it can be found and shown where it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple, Self

from photo.domain.access import Tenant
from photo.domain.job import Job, JobId
from photo.domain.search import Query, index_words, words_in
from photo.domain.text import Page, Polygon

#: How much of a long text is kept.
MAX_PIECES = 10_000
_MAX_MATCHES = 100
_SNIPPET_LENGTH = 200
_SNIPPET_BEFORE = 60


class Piece(NamedTuple):
    """A word as it was read, or a line whose words are not known; in whole pixels."""

    text: str
    polygon: Polygon


class Match(NamedTuple):
    text: str
    #: Counted from 1.
    page: int
    polygon: Polygon


class Found(NamedTuple):
    job_id: JobId
    snippet: str
    matches: list[Match]


@dataclass(frozen=True)
class _IndexedPage:
    """The words of a page one after the other, and of which piece each is."""

    number: int
    pieces: tuple[Piece, ...]

    @cached_property
    def entries(self) -> list[tuple[str, int]]:
        return [
            (word, index)
            for index, piece in enumerate(self.pieces)
            for word in words_in(piece.text)
        ]

    @cached_property
    def words(self) -> list[str]:
        return [word for word, _ in self.entries]

    def snippet(self, at: int) -> str:
        """The text around a piece, cut between pieces where it begins."""
        start, room = at, _SNIPPET_BEFORE
        while start and (room := room - len(self.pieces[start - 1].text) - 1) >= 0:
            start -= 1
        shown = self.pieces[start : start + _SNIPPET_LENGTH]
        text = " ".join(piece.text for piece in shown)
        cut = text[:_SNIPPET_LENGTH]
        return f"{'… ' if start else ''}{cut}{' …' if cut != text else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchableText:
    job_id: JobId
    tenant: Tenant
    pages: tuple[tuple[Piece, ...], ...]
    #: Everything under which the text is to be found.
    words: tuple[str, ...]

    @classmethod
    def of(cls, job: Job, pages: Iterable[Page]) -> Self:
        left = MAX_PIECES
        kept = []
        words: set[str] = set()
        for number, page in enumerate(pages, 1):
            pieces = tuple(islice(_pieces(page), left))
            left -= len(pieces)
            kept.append(pieces)
            words |= index_words(_IndexedPage(number, pieces).words)
        return cls(
            job_id=job.id,
            tenant=job.tenant,
            pages=tuple(kept),
            words=tuple(sorted(words)),
        )

    def find(self, query: Query) -> Found | None:
        """Where everything that is looked for is, if it all is in the text."""
        places: set[tuple[int, int]] = set()
        pages = [_IndexedPage(*page) for page in enumerate(self.pages)]
        for term in query.terms:
            at = {
                (page.number, page.entries[index][1])
                for page in pages
                for spot in term.found_in(page.words)
                for index in spot
            }
            if not at:
                return None
            places |= at
        in_order = sorted(places)
        first_page, first_piece = in_order[0]
        matches = [
            Match(piece.text, page + 1, piece.polygon)
            for page, index in in_order[:_MAX_MATCHES]
            for piece in [self.pages[page][index]]
        ]
        return Found(self.job_id, pages[first_page].snippet(first_piece), matches)


def _pieces(page: Page) -> Iterator[Piece]:
    for line in page.lines:
        for part in line.words or (line,):
            a, b, c, d = ((round(x), round(y)) for x, y in part.polygon)
            yield Piece(part.text, (a, b, c, d))
