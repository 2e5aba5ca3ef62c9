"""What `photo doctor` says of the virus scanner, and of an object store."""

from pathlib import Path

import pytest

from photo.entrypoints.cli.doctor import (
    Finding,
    _checks,
    _found,
    _print,
    _scanner_checks,
)
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from tests.careless_store import careless_store
from tests.scanning import RECOMMENDED, Clamd, running_clamd
from tests.valkey import Valkey

#: Settings with nothing behind them.
NOWHERE = {
    "DATABASE_URL": "postgresql://photo:secret@127.0.0.1:1/photo",
    "S3_BUCKET_RAW": "raw",
    "S3_BUCKET_PROCESSED": "processed",
    "TEMPORAL_TARGET": "127.0.0.1:1",
}

ANYBODY = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "hush"}


async def test_a_scanner_that_sees_all_is_well(clamd: Clamd) -> None:
    for url in (clamd.tcp_url, clamd.unix_url):
        scanner, limits = await findings(CLAMD_URL=url)
        assert (scanner.failure, limits.failure) == (None, None)
        assert scanner.latency_ms
        assert "no date" in str(scanner.warning)


async def test_a_scanner_that_passes_what_it_did_not_see_is_told_with_its_mend(
    tmp_path: Path,
) -> None:
    options = RECOMMENDED | {"AlertExceedsMax": "no", "MaxFileSize": "25M"}
    async with running_clamd(tmp_path, options) as clamd:
        scanner, limits = await findings(CLAMD_URL=clamd.tcp_url)
    assert scanner.failure is None
    assert "The end of a file of 50000000 bytes is not looked" in str(limits.failure)
    for option in ("AlertExceedsMax yes", "MaxFileSize to 50000000"):
        assert option in str(limits.mend)


async def test_the_largest_photo_is_that_of_the_settings(clamd: Clamd) -> None:
    _, limits = await findings(CLAMD_URL=clamd.tcp_url, MAX_BYTES="image/tiff=70000000")
    assert limits.failure == "A file of 70000000 bytes is refused."


async def test_a_scanner_that_is_away_fails() -> None:
    for finding in await findings(CLAMD_URL="tcp://127.0.0.1:1"):
        assert str(finding.failure).endswith("[ConnectionRefusedError]")


async def test_no_scanner_is_no_failure_but_a_warning(
    capsys: pytest.CaptureFixture[str],
) -> None:
    [finding] = await findings()
    _print(finding)
    assert finding.failure is None
    said = capsys.readouterr().out
    assert said.startswith("scanner           warns ")
    assert "off: photos are not scanned for viruses; set CLAMD_URL" in said


async def test_a_store_that_replaces_what_is_there_is_told_with_its_mend() -> None:
    async with careless_store() as endpoint:
        settings = Settings.from_env(
            NOWHERE | ANYBODY | {"AWS_ENDPOINT_URL_S3": endpoint}
        )
        async with live_container(settings) as container:
            [check] = [
                check for check in _checks(settings) if check.name == "first_write_wins"
            ]
            finding = await _found(check, container)
    assert finding.failure == "A second write replaces the first in raw."
    assert "answers 412 to `If-None-Match: *`" in str(finding.mend)


async def test_shared_rate_limits_are_asked(valkey: Valkey) -> None:
    settings = Settings.from_env(NOWHERE | {"RATE_LIMIT_STORAGE": valkey.url})
    [check] = [check for check in _checks(settings) if check.name == "rate_limits"]
    async with live_container(settings) as container:
        assert (await _found(check, container)).failure is None
        async with valkey.away():
            away = await _found(check, container)
    assert "RATE_LIMIT_STORAGE" in str(away.mend)
    assert str(away.failure).startswith("The shared rate limits cannot be reached.")


async def findings(**given: str) -> list[Finding]:
    settings = Settings.from_env(NOWHERE | given)
    async with live_container(settings) as container:
        return [await _found(check, container) for check in _scanner_checks(settings)]
