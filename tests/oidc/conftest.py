import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from photo.adapters.oidc.issuer import Issuer
from photo.adapters.oidc.verifier import OidcTokenVerifier, Trust
from photo.domain.access import Principal
from tests.certificates import Authority
from tests.makers import SteppableClock, SteppableStopwatch
from tests.oidc.local_issuer import (
    AUDIENCE,
    MAKERS,
    LocalIssuer,
    issuing,
    signing_key,
)

#: Making one takes its time.
TLS = ssl.create_default_context()


@dataclass
class Gate:
    """A service that believes one issuer."""

    issuer: LocalIssuer
    clock: SteppableClock = field(default_factory=SteppableClock)
    timer: SteppableStopwatch = field(default_factory=SteppableStopwatch)
    open: OidcTokenVerifier | None = None

    def verifier(
        self, *, tenant_claim: str = "tenant", typ: str = "at+jwt"
    ) -> OidcTokenVerifier:
        trust = Trust(
            issuer=self.issuer.url,
            audience=AUDIENCE,
            tenant_claim=tenant_claim,
            token_type=typ,
        )
        return OidcTokenVerifier(trust, Issuer(self.issuer.url), self.clock, self.timer)

    async def verify(self, token: str) -> Principal:
        if self.open is None:
            self.open = self.verifier()
        return await self.open.verify(token)

    def wait(self, seconds: float) -> None:
        self.timer.step(timedelta(seconds=seconds))


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
async def issuer() -> AsyncIterator[LocalIssuer]:
    """For tests that leave it as it is: it has a key for each algorithm."""
    async with issuing(*map(signing_key, MAKERS)) as issuer:
        yield issuer


@pytest.fixture
async def own() -> AsyncIterator[Gate]:
    """One whose issuer the test may change: it has the key RS256."""
    async with issuing() as issuer:
        yield Gate(issuer)


@pytest.fixture
def gate(issuer: LocalIssuer) -> Gate:
    return Gate(issuer)
