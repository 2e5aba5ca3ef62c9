"""`photo inspect`: for people who are to look at a job."""

import json
from hashlib import sha256
from pathlib import Path

from tests.e2e.conftest import Service
from tests.e2e.test_intake import ended
from tests.e2e.test_managing import submitted

RECEIPT = Path("samples/receipt.jpg").read_bytes()
BROKEN = b"\xff\xd8\xff\xe0 and no more"


async def test_inspect_shows_all_there_is_to_know_of_a_job_but_its_text(
    service: Service, tmp_path: Path
) -> None:
    async with service.client() as client:
        job = await ended(client, await submitted(client, RECEIPT, "receipt.jpg"))
    saved = tmp_path / "photo"
    arguments = ("inspect", job["id"], "--json", "--photo", str(saved))
    code, out, err = await service.photo(*arguments)
    report = json.loads(out)
    assert (code, report["status"], report["error"]) == (0, "succeeded", None)
    assert saved.read_bytes() == RECEIPT
    assert str(saved) in err
    assert report["photo"]["sha256"] == sha256(RECEIPT).hexdigest()
    assert report["history"][-1]["status"] == "succeeded"
    assert report["workflow_id"] == f"process-photo/{job['id']}"
    names = {item["key"].rpartition("/")[2] for item in report["objects"]}
    assert {"original", "normalized.jpg", "text.json", "manifest.json"} <= names
    assert "HARBOUR" not in out


async def test_inspect_shows_why_a_job_failed(service: Service, tmp_path: Path) -> None:
    async with service.client() as client:
        job = await ended(client, await submitted(client, BROKEN, "broken.jpg"))
    code, out, _ = await service.photo("inspect", job["id"])
    assert code == 0
    lines = dict(line.split(maxsplit=1) for line in out.splitlines() if line[0] != " ")
    assert lines["status"] == "failed"
    assert lines["last_step"] == "normalize"
    assert "code=corrupt_image" in lines["error"]


async def test_inspect_of_no_job_says_so(service: Service) -> None:
    code, out, err = await service.photo("inspect", "job_0")
    assert (code, out) == (1, "")
    assert "There is no job 'job_0'." in err
