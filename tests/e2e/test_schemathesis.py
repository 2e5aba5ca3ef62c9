"""The running service keeps to its own documentation, whatever is sent to it."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.e2e.another_api import another_api
from tests.e2e.conftest import Service

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
CONFIG = Path(__file__).with_name("schemathesis") / "schemathesis.toml"
#: Cases for each operation in each phase; `make test` has to end soon.
EXAMPLES = os.environ.get("PHOTO_TEST_SCHEMATHESIS_EXAMPLES", "3")
A_LOT = "1000000000"


@pytest.mark.timeout(1200)
async def test_every_answer_is_as_documented(service: Service, tmp_path: Path) -> None:
    tenants = {name: await service.admins_key(name) for name in ("default", "other")}
    users = tmp_path / "users.json"
    users.write_text(json.dumps({"auth": [user(*each) for each in tenants.items()]}))
    limits = [f"RATE_LIMIT_PER_{payer}" for payer in ("KEY", "TENANT", "ADDRESS")]
    async with another_api(
        service, tmp_path / "api.log", **dict.fromkeys(limits, A_LOT)
    ) as url:
        process = await asyncio.create_subprocess_exec(
            SCHEMATHESIS,
            f"--config-file={CONFIG}",
            *("run", f"{url}/openapi.json", "--seed=1", f"--max-examples={EXAMPLES}"),
            env={
                **os.environ,
                "USERS": str(users),
                "OWN_KEYS": " ".join(map(id_of, tenants.values())),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()


def user(name: str, key: str) -> object:
    header = {"name": "Authorization", "value": f"Bearer {key}"}
    return {"name": name, "fixedHeaders": [header]}


def id_of(key: str) -> str:
    return f"key_{key.split('_')[1]}"
