"""What `photo read` is to read: files, all photos of a folder, URLs."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import click

from photo.domain.characters import visible
from photo.domain.filename import clean_filename, with_extension
from photo.entrypoints.client import photos_in


class Photo(NamedTuple):
    """A file's path or a URL, and what it is called."""

    source: Path | str
    #: For people and logs: on one line, without what may be secret in a URL.
    name: str
    #: Where its text goes below `--output`.
    place: Path


def expanded(sources: Iterable[str], extension: str) -> Iterator[Photo]:
    """Every photo; `extension` is that of their texts."""
    for source in sources:
        if source.lower().startswith(("http://", "https://")):
            yield _at(source, extension)
        elif (path := Path(source)).is_dir():
            for file in photos_in(path):
                yield _in(str(file), file.relative_to(path), extension)
        elif path.is_file():
            yield _in(source, Path(path.name), extension)
        else:
            raise click.UsageError(f"There is no file or folder {visible(source)}.")


def refuse_collisions(photos: Iterable[Photo]) -> None:
    taken: dict[Path, Photo] = {}
    for photo in photos:
        other = taken.setdefault(photo.place, photo)
        if other.source != photo.source:
            raise click.UsageError(
                f"{other.name} and {photo.name} would be written to the same file."
                " Read them one after the other, or read the folder above them."
            )


def _in(file: str, place: Path, extension: str) -> Photo:
    text = place.with_name(f"{place.name}.{extension}")
    return Photo(Path(file), visible(file), text)


def _at(url: str, extension: str) -> Photo:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise click.UsageError("One of the URLs has a malformed host.") from None
    host = parts.netloc.rpartition("@")[2]
    file = clean_filename(unquote(parts.path)) or "photo"
    return Photo(
        url,
        visible(f"{parts.scheme}://{host}{parts.path}"),
        Path(with_extension(file, extension)),
    )
