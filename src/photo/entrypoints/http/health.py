"""Routes for those who watch the service."""

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec

from photo.entrypoints.http.views import Liveness, Readiness
from photo.entrypoints.readiness import AskReadiness, status_of


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
async def readyz(ask_readiness: FromDishka[AskReadiness]) -> Response[Readiness]:
    """Asks the database, both buckets, the workflow server and the virus scanner.

    What was found within the last second is told again.
    `draining`: the process was told to stop. It still answers; send it nothing new.
    """
    readiness = await ask_readiness()
    return Response(readiness, status_code=status_of(readiness))
