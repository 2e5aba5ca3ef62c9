"""The probes tell a clamd that sees everything from one that only seems to."""

from pathlib import Path

import pytest

from photo.adapters.memory import MemoryScanner
from photo.entrypoints.scanner_probes import blind_spots, eicar, knows_eicar
from tests.scanning import LARGEST, RECOMMENDED, Clamd, running_clamd

UNSEEN_END = f"The end of a file of {LARGEST} bytes is not looked at."
REFUSED = f"A file of {LARGEST} bytes is refused."
DEEP = "What is nested too deeply passes."
LOCKED = "What is encrypted passes."
SILENT = {"AlertExceedsMax": "no"}


async def test_a_clamd_as_recommended_has_no_blind_spots(clamd: Clamd) -> None:
    assert await knows_eicar(clamd.scanner())
    assert await blind_spots(clamd.scanner(), largest=LARGEST) == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [DEEP, LOCKED]),
        (RECOMMENDED | {"AlertEncrypted": "no"}, [LOCKED]),
        (RECOMMENDED | SILENT, [DEEP]),
        (RECOMMENDED | SILENT | {"MaxFileSize": "25M"}, [UNSEEN_END, DEEP]),
        (RECOMMENDED | SILENT | {"MaxScanSize": "25M"}, [UNSEEN_END, DEEP]),
        (RECOMMENDED | {"MaxFileSize": "25M"}, [REFUSED]),
        (RECOMMENDED | {"MaxScanSize": "25M"}, [REFUSED]),
        (RECOMMENDED | {"StreamMaxLength": "25M"}, [REFUSED]),
    ],
    ids=[
        "as delivered",
        "AlertEncrypted",
        "AlertExceedsMax",
        "MaxFileSize, silent",
        "MaxScanSize, silent",
        "MaxFileSize",
        "MaxScanSize",
        "StreamMaxLength",
    ],
)
async def test_a_clamd_that_passes_or_refuses_too_much_is_told(
    tmp_path: Path, options: dict[str, str], expected: list[str]
) -> None:
    async with running_clamd(tmp_path, options) as clamd:
        assert await blind_spots(clamd.scanner(), largest=LARGEST) == expected


async def test_a_scanner_without_signatures_is_told() -> None:
    assert not await knows_eicar(MemoryScanner())
    assert UNSEEN_END in await blind_spots(MemoryScanner(), largest=LARGEST)


def test_the_test_virus_is_whole_in_no_file_of_ours() -> None:
    files = [
        file
        for folder in ("src", "tests", "docs", "samples", "bench")
        for file in Path(folder).rglob("*")
        if file.is_file()
    ]
    assert files
    assert [file for file in files if eicar() in file.read_bytes()] == []


def test_the_guide_has_the_configuration_of_these_tests() -> None:
    guide = Path("docs/operations.md").read_text()
    for option, value in RECOMMENDED.items():
        assert f"\n{option} {value}\n" in guide
