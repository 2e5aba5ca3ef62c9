"""The running service takes tokens of an issuer that its settings name."""

from pathlib import Path
from time import time

import httpx

from tests.e2e.another_api import another_api
from tests.e2e.conftest import Service
from tests.oidc.local_issuer import AUDIENCE, issuing


async def test_a_token_of_the_issuer_opens_the_service(
    service: Service, tmp_path: Path
) -> None:
    log = tmp_path / "api.log"
    async with issuing() as issuer:
        settings = {"OIDC_ISSUER": issuer.url, "OIDC_AUDIENCE": AUDIENCE}
        now = int(time())
        good = issuer.token(iat=now, exp=now + 300, sub="alice\n")
        late = issuer.token(iat=now - 900, exp=now - 300)
        async with (
            another_api(service, log, **settings) as url,
            httpx.AsyncClient(base_url=url, timeout=60) as client,
        ):
            statuses = [
                (await client.get("/v1/jobs", headers=_bearer(token))).status_code
                for token in (good, late, good[:-4], service.key)
            ]
    assert statuses == [200, 401, 401, 200]
    said = log.read_text()
    assert '"oidc:alice%0A"' in said
    assert good.split(".")[1] not in said
    assert good.split(".")[2] not in said


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
