"""What every route under /v1 gets: an authorized request, its JSON strictly read."""

from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import QueryParameter
from structlog.contextvars import bind_contextvars

from photo.application.keys import Authenticate
from photo.application.tenancy import act_for
from photo.domain.access import Principal, Scope
from photo.domain.errors import Unauthenticated
from photo.entrypoints.http.faults import invalid, unknown_parameter
from photo.entrypoints.http.problems import Refused

#: What a route asks of its caller: read by `authorize` and by the documentation.
READ = [{"bearer": [Scope.READ.value]}]
WRITE = [{"bearer": [Scope.WRITE.value]}]
#: The option of a route that also takes parameters whose names begin with its value.
OPEN_QUERY = "open_query"


class ApiRequest(Request[Principal, None, State]):
    async def json(self) -> Any:
        """Decode the body as the type that the route declares, letting nothing pass."""
        if self.content_type[0] != "application/json":
            raise Refused(
                "Send JSON, with the header Content-Type: application/json.",
                status_code=415,
            )
        data = self.route_handler.parsed_fn_signature.parameters["data"]
        body = await self.body()
        try:
            return msgspec.json.decode(body, type=data.annotation)
        except msgspec.ValidationError as error:
            raise invalid(error, data.annotation, body=body) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(f"The body is no JSON: {error}.", status_code=400) from error
        except RecursionError as error:
            raise Refused("The body is nested too deep.", status_code=400) from error


async def authorize(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """Find out who is calling, and whether the route is theirs to call.

    Guards run before the body is read. A route that asks for nothing is for admins.
    """
    if connection.scope.get("method") == "OPTIONS":
        return
    scheme, _, shown = connection.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not shown.isascii() or not shown.isprintable():
        raise Unauthenticated(
            "Send an API key with the request: Authorization: Bearer pk_…"
        )
    authenticate = await connection.app.state.dishka_container.get(Authenticate)
    principal: Principal = await authenticate(shown.strip())
    connection.scope["user"] = principal
    act_for(principal.tenant)
    bind_contextvars(tenant=principal.tenant, key=principal.credential)
    for scope in _asked_by(handler):
        principal.require(scope)


async def refuse_unknown_parameters(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """A mistyped parameter is refused by name, never ignored."""
    if connection.scope.get("method") == "OPTIONS":
        return
    parameters = handler.parsed_fn_signature.parameters.items()
    known = {
        name
        for name, parameter in parameters
        if isinstance(parameter.kwarg_definition, QueryParameter)
    }
    prefix = handler.opt.get(OPEN_QUERY)
    for name in connection.query_params:
        if name not in known and not (prefix and name.startswith(prefix)):
            raise unknown_parameter(name)


def _asked_by(handler: BaseRouteHandler) -> list[Scope]:
    requirements = (
        handler.resolve_security() if isinstance(handler, HTTPRouteHandler) else []
    )
    asked = [Scope(scope) for each in requirements for scope in each.get("bearer", [])]
    return asked or [Scope.ADMIN]
