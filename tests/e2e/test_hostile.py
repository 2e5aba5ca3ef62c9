"""`make hostile` in short: every kind of harm at least once, on the real stack."""

from pathlib import Path

import pytest

from hostile.cases import KINDS, good_cases, variants
from hostile.report import figures
from hostile.run import attack
from hostile.service import Target
from tests.e2e.conftest import Service

SEED = 7
VARIANTS = 100
GOOD = {
    *("good-jpeg-cmyk", "good-jpeg-exif", "good-png-interlaced", "good-png-deep-grey"),
    *("good-webp-alpha", "good-gif-animated", "good-bmp-bits", "good-tiff-pages"),
    *("good-heic", "good-heif", "good-avif"),
}


@pytest.mark.timeout(300)
async def test_no_file_harms_the_service_or_another_file(service: Service) -> None:
    target = Target(
        url=service.url,
        key=service.key,
        worker=service.worker,
        log=service.worker_log,
        scratch=Path(service.env["TMPDIR"]),
        temporal_target=service.env["TEMPORAL_TARGET"],
        scanning="CLAMD_URL" in service.env,
    )
    good = [case for case in good_cases() if case.name in GOOD]
    harmful = [*variants(SEED, VARIANTS)]
    run = await attack(target, [*good, *harmful], at_once=16)
    assert {case.kind for case in harmful} == {*KINDS}
    assert len(run.results) > len(GOOD) + VARIANTS
    assert figures(run, seed=SEED)["faults"] == []
