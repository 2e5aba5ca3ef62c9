"""Routes for those who watch the service."""

import structlog
from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec

from photo.application.draining import Draining
from photo.application.health import CheckHealth
from photo.entrypoints.http.views import Liveness, Readiness

log = structlog.get_logger()


def health_router(version: str) -> DishkaRouter:
    @get("/healthz", summary="Does the process live?")
    async def healthz() -> Liveness:
        """Asks nothing of anything else."""
        return Liveness("ok", version)

    return DishkaRouter("/", route_handlers=[healthz, readyz], tags=["health"])


@get(
    "/readyz",
    summary="Does everything work that the service needs?",
    responses={
        503: ResponseSpec(Readiness, False, "Something it needs fails, or it stops.")
    },
)
async def readyz(
    check_health: FromDishka[CheckHealth], draining: FromDishka[Draining]
) -> Response[Readiness]:
    """Asks the database, both buckets, the workflow server and the virus scanner.

    `draining`: the process was told to stop. It still answers; send it nothing new.
    """
    healths = await check_health()
    failures = {
        name: health.reason or health.failure
        for name, health in healths.items()
        if health.failure
    }
    if failures:
        # The reasons name machines: they are for the log alone.
        log.warning("not_ready", failures=failures)
    readiness = Readiness.of(healths, draining=draining.begun)
    return Response(readiness, status_code=200 if readiness.status == "ok" else 503)
