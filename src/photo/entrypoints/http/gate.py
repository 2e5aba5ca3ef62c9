"""What a request under /v1 must pass before its body is read."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from dishka import AsyncContainer
from litestar import Request
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import QueryParameter
from structlog.contextvars import bind_contextvars

from photo.application.admission import AdmitJob
from photo.application.authentication import Authenticate
from photo.application.limits import ChargeCaller, ChargeStranger, over_limit
from photo.application.tenancy import act_for
from photo.domain.access import Principal, Scope
from photo.domain.errors import Forbidden, Unauthenticated, Unavailable
from photo.entrypoints.http.exchange import ANSWER_HEADERS
from photo.entrypoints.http.faults import unfit_parameter, unknown_parameter
from photo.entrypoints.http.limits import CHANGE, COST, LOOK, MAKES_JOB, limit_headers
from photo.entrypoints.http.request import OPEN_QUERY

_Request = Request[Any, Any, Any]

_AUTHORIZATION = b"authorization"


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a route asks of its callers, and what it charges them."""

    scopes: tuple[Scope, ...]
    cost: int
    makes_job: bool
    #: By name, whether any text may be the value.
    parameters: Mapping[str, bool]
    #: How the names of further parameters begin, if there may be such.
    open_prefix: str | None


@dataclass(frozen=True, slots=True)
class _Checks:
    admit_job: AdmitJob
    authenticate: Authenticate
    charge_caller: ChargeCaller
    charge_stranger: ChargeStranger


class Gate:
    """Authenticates, charges and authorizes; refuses what the route does not know."""

    def __init__(self, container: AsyncContainer) -> None:
        self._container = container
        self._checks: _Checks | None = None

    async def __call__(self, request: _Request) -> None:
        if request.scope["method"] == "OPTIONS":
            return
        terms = _terms(request.route_handler)
        await self.admit(request, terms)
        _refuse_unknown_parameters(request, terms)

    async def admit(self, request: _Request, terms: _Terms) -> None:
        """Find out who is calling, and whether the route is theirs to call."""
        checks = self._checks = self._checks or await self._made()
        if terms.makes_job:
            checks.admit_job.refuse_if_busy()
        client = request.scope["client"]
        address = client[0] if client else ""
        checks.charge_stranger.refuse_spent(address)
        try:
            caller = await checks.authenticate(_credential(request))
        except Unauthenticated:
            await checks.charge_stranger(address)
            raise
        request.scope["user"] = caller
        act_for(caller.tenant)
        bind_contextvars(tenant=caller.tenant, key=caller.credential)
        await self._charge(request, caller, terms.cost, checks.charge_caller)
        caller.require(terms.scopes)

    async def still_open(self, request: _Request) -> bool:
        """Whether the credential still opens the route: for answers that take long.

        Nothing is charged: the stream was, when it began.
        """
        checks = self._checks = self._checks or await self._made()
        # Where that cannot be found out, nothing can be read either.
        with suppress(Unavailable):
            try:
                caller = await checks.authenticate(_credential(request))
                caller.require(_terms(request.route_handler).scopes)
            except (Forbidden, Unauthenticated):
                return False
        return True

    async def _charge(
        self, request: _Request, caller: Principal, cost: int, charge: ChargeCaller
    ) -> None:
        charged = await charge(caller, cost)
        request.scope["state"][ANSWER_HEADERS].update(limit_headers(charged))
        if not charged.accepted:
            raise over_limit(charged, cost)

    async def _made(self) -> _Checks:
        return _Checks(
            await self._container.get(AdmitJob),
            await self._container.get(Authenticate),
            await self._container.get(ChargeCaller),
            await self._container.get(ChargeStranger),
        )


async def enter(request: _Request) -> None:
    """Have a request pass the application's gate."""
    await request.app.state.gate(request)


def _credential(request: _Request) -> str:
    sent = [value for name, value in request.scope["headers"] if name == _AUTHORIZATION]
    scheme, _, shown = (sent[0] if sent else b"").decode("latin-1").partition(" ")
    sound = shown.isascii() and shown.isprintable()
    if len(sent) > 1 or scheme.lower() != "bearer" or not sound:
        raise Unauthenticated(
            "Send a credential with the request: Authorization: Bearer, and an API "
            "key (pk_…) or an access token."
        )
    return shown.strip()


def _refuse_unknown_parameters(request: _Request, terms: _Terms) -> None:
    """A mistyped parameter is refused by name, never ignored."""
    if not request.scope["query_string"]:
        return
    prefix = terms.open_prefix
    for name, values in request.query_params.dict().items():
        if name not in terms.parameters and not (prefix and name.startswith(prefix)):
            raise unknown_parameter(name)
        if len(values) > 1:
            raise unfit_parameter(name, "Send it once.")
        # What is no text would be taken for left out.
        if values == ["null"] and not terms.parameters.get(name, True):
            raise unfit_parameter(name, "Leave it out, or give it a value.")


@lru_cache(maxsize=256)
def _terms(handler: BaseRouteHandler) -> _Terms:
    """A route that asks for nothing is for admins."""
    security = (
        handler.resolve_security() if isinstance(handler, HTTPRouteHandler) else []
    )
    scopes = [Scope(scope) for each in security for scope in each.get("bearer", [])]
    parameters = handler.parsed_fn_signature.parameters.items()
    methods: Any = getattr(handler, "http_methods", ())
    return _Terms(
        scopes=tuple(scopes) or (Scope.ADMIN,),
        cost=handler.opt.get(COST, LOOK if methods == {"GET"} else CHANGE),
        makes_job=handler.opt.get(MAKES_JOB, False),
        parameters={
            parameter.kwarg_definition.name or name: str
            in {parameter.annotation, *get_args(parameter.annotation)}
            for name, parameter in parameters
            if isinstance(parameter.kwarg_definition, QueryParameter)
        },
        open_prefix=handler.opt.get(OPEN_QUERY),
    )
