"""The `photo` command in a pipe."""

import asyncio
import json
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from photo.adapters.postgres.database import create_engine
from photo.adapters.postgres.infected import PostgresInfectedFiles
from photo.adapters.postgres.transactions import Database
from photo.domain.infected import InfectedFile
from photo.domain.job import JobId
from tests.e2e.conftest import Service
from tests.makers import NOW, new_id


async def test_read_prints_the_text_alone(service: Service) -> None:
    code, out, err = await service.photo("read", "samples/sign.webp")
    assert (code, err) == (0, "")
    assert out.startswith("THE COPPER KETTLE\n")


async def test_read_names_what_failed_and_reads_the_rest(
    service: Service, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 and no more")
    code, out, err = await service.photo("read", str(broken), "samples/sign.webp")
    assert code == 1
    assert out.startswith("THE COPPER KETTLE\n")
    assert err.startswith(f"photo: {broken}: corrupt_image: ")


async def test_read_says_that_a_file_is_empty(service: Service, tmp_path: Path) -> None:
    empty = tmp_path / "empty.jpg"
    empty.touch()
    code, out, err = await service.photo("read", str(empty))
    assert (code, out) == (1, "")
    assert err == f"photo: {empty}: validation_failed: The file is empty.\n"


async def test_read_writes_a_file_per_photo(service: Service, tmp_path: Path) -> None:
    arguments = ("--format", "json", "--output", str(tmp_path), "--json")
    code, out, _ = await service.photo("read", "samples/sign.webp", *arguments)
    written = json.loads((tmp_path / "sign.webp.json").read_text())
    said = json.loads(out)
    assert (code, said["status"]) == (0, "succeeded")
    assert written["text"] == said["text"]
    assert written["pages"][0]["lines"]


async def test_read_keeps_the_folders_of_a_folder(
    service: Service, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        shutil.copy("samples/sign.webp", tmp_path / "photos" / name / "1.webp")
    out = tmp_path / "out"
    code, _, err = await service.photo(
        "read", str(tmp_path / "photos"), "--output", str(out)
    )
    assert (code, err) == (0, "")
    for name in ("a", "b"):
        text = (out / name / "1.webp.txt").read_text()
        assert text.startswith("THE COPPER KETTLE\n")


async def test_read_names_what_cannot_be_written(
    service: Service, tmp_path: Path
) -> None:
    (tmp_path / "sign.webp.txt").mkdir()
    arguments = ("samples/sign.webp", "--output", str(tmp_path))
    code, _, err = await service.photo("read", *arguments)
    assert code == 1
    assert "sign.webp.txt cannot be written (Is a directory)" in err
    assert "Traceback" not in err


async def test_read_without_files_is_a_usage_error(service: Service) -> None:
    code, out, _ = await service.photo("read")
    assert (code, out) == (2, "")


async def test_read_of_a_missing_file_is_a_usage_error(service: Service) -> None:
    code, _, err = await service.photo("read", "no-such-photo.jpg")
    assert code == 2
    assert "no-such-photo.jpg" in err


async def test_doctor_finds_everything_in_order(service: Service) -> None:
    code, out, _ = await service.photo("doctor", "--json")
    report = json.loads(out)
    assert [check["name"] for check in report["checks"] if check["failure"]] == []
    assert (code, report["ok"]) == (0, True)


async def test_a_revoked_key_is_refused(service: Service) -> None:
    _, shown, _ = await service.photo("keys", "create", "--name", "short-lived")
    key = shown.strip()
    key_id = f"key_{key.split('_')[1]}"
    async with service.client(key) as client:
        assert (await client.get("/v1/jobs")).status_code == 200
        code, _, _ = await service.photo("keys", "revoke", key_id)
        async with asyncio.timeout(60):
            while (answer := await client.get("/v1/jobs")).is_success:
                pass  # For how long it is believed, other tests say by a clock.
    _, listed, _ = await service.photo("keys", "list")
    assert code == 0
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert f"{key_id}  revoked" in listed


async def found_infected(service: Service, *times: datetime) -> Sequence[InfectedFile]:
    files = [
        InfectedFile(
            sha256=new_id("").removeprefix("_").rjust(64, "0"),
            signature="Win.Test.EICAR_HDB-1",
            found_at=time,
            job_id=JobId(new_id("job")),
        )
        for time in times
    ]
    engine = create_engine(service.env["DATABASE_URL"])
    for file in files:
        await PostgresInfectedFiles(Database(engine)).add(file)
    await engine.dispose()
    return files


async def test_infected_files_are_listed_newest_first(service: Service) -> None:
    later = NOW + timedelta(days=3650)
    old, new = await found_infected(service, later, later + timedelta(days=1))
    code, out, _ = await service.photo("infected", "list")
    head, *rows = out.splitlines()
    assert code == 0
    assert head.split() == ["FOUND", "AT", "SHA-256", "JOB", "SIGNATURE"]
    assert [row.split() for row in rows[:2]] == [
        [file.found_at.isoformat(), file.sha256, file.job_id, file.signature]
        for file in (new, old)
    ]

    _, out, _ = await service.photo("infected", "list", "--json", "--limit", "1")
    assert json.loads(out) == [
        {
            "sha256": new.sha256,
            "signature": new.signature,
            "found_at": new.found_at.isoformat().replace("+00:00", "Z"),
            "job_id": new.job_id,
        }
    ]


async def test_a_forgotten_file_is_accepted_again(service: Service) -> None:
    (file,) = await found_infected(service, NOW)
    promise = {"content_type": "image/jpeg", "sha256": file.sha256}
    async with service.client() as client:
        refused = await client.post("/v1/uploads", json=promise)
        code, out, _ = await service.photo("infected", "forget", file.sha256.upper())
        accepted = await client.post("/v1/uploads", json=promise)
    assert refused.json()["code"] == "infected"
    assert (code, out) == (
        0,
        f"{file.sha256} is forgotten: the file is accepted again.\n",
    )
    assert accepted.status_code == 201
    code, out, err = await service.photo("infected", "forget", file.sha256)
    assert (code, out) == (1, "")
    assert err == f"photo: No infected file has the SHA-256 {file.sha256!r}.\n"
