"""What every route under /v1 gets: a request whose JSON is strictly read."""

from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State

from photo.domain.access import Principal, Scope
from photo.entrypoints.http.faults import invalid
from photo.entrypoints.http.problems import Refused

#: What a route asks of its caller: read by `Gate` and by the documentation.
READ = [{"bearer": [Scope.READ.value]}]
WRITE = [{"bearer": [Scope.WRITE.value]}]
ADMIN = [{"bearer": [Scope.ADMIN.value]}]
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
