"""Who is believed about callers that are known elsewhere."""

from collections.abc import AsyncIterator

from dishka import Provider, Scope, from_context, provide

from photo.adapters.oidc.issuer import Issuer
from photo.adapters.oidc.verifier import OidcTokenVerifier, Trust
from photo.application.ports import Clock, Stopwatch, TokenVerifier
from photo.entrypoints.settings import Settings


class Identity(Provider):
    scope = Scope.APP

    settings = from_context(Settings)

    @provide
    async def tokens(
        self, settings: Settings, now: Clock, stopwatch: Stopwatch
    ) -> AsyncIterator[TokenVerifier | None]:
        if settings.oidc_issuer is None or settings.oidc_audience is None:
            yield None
            return
        trust = Trust(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            tenant_claim=settings.oidc_tenant_claim,
            token_type=settings.oidc_token_type,
        )
        issuer = Issuer(settings.oidc_issuer)
        async with OidcTokenVerifier(trust, issuer, now, stopwatch) as verifier:
            yield verifier
