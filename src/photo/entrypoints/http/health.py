"""Routes for those who watch the service."""

import structlog
from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec

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
    responses={503: ResponseSpec(Readiness, False, "Something it needs fails.")},
)
async def readyz(check_health: FromDishka[CheckHealth]) -> Response[Readiness]:
    """Asks the database, both buckets, the workflow server and the virus scanner."""
    healths = await check_health()
    failures = {
        name: health.reason or health.failure
        for name, health in healths.items()
        if health.failure
    }
    if failures:
        # The reasons name machines: they are for the log alone.
        log.warning("not_ready", failures=failures)
    return Response(Readiness.of(healths), status_code=503 if failures else 200)
