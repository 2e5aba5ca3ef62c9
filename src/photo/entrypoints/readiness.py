"""Whether a process is ready, for those who probe it: balancers and orchestrators."""

from collections.abc import Mapping
from http import HTTPStatus

import structlog

from photo.application.draining import Draining
from photo.application.health import CheckHealth, Health
from photo.entrypoints.http.views import Readiness

log = structlog.get_logger(__name__)


class AskReadiness:
    """One log line when what fails changes, whoever found it, and not one a probe."""

    def __init__(self, check_health: CheckHealth, draining: Draining) -> None:
        self._check_health = check_health
        self._draining = draining
        self._failing: Mapping[str, str | None] = {}

    async def __call__(self) -> Readiness:
        healths = await self._check_health()
        self.note(healths)
        return Readiness.of(healths, draining=self._draining.begun)

    def note(self, healths: Mapping[str, Health]) -> None:
        failing = {
            name: health.reason or health.failure
            for name, health in healths.items()
            if health.failure
        }
        if failing == self._failing:
            return
        self._failing = failing
        if failing:
            # The reasons name machines: they are for the log alone.
            log.warning("not_ready", failures=failing)
        else:
            log.info("ready_again")


def tell_of_bug(dependency: str, error: BaseException) -> None:
    log.error("health_check_broke", dependency=dependency, exc_info=error)


def status_of(readiness: Readiness) -> HTTPStatus:
    ready = readiness.status == "ok"
    return HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
