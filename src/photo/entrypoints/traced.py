"""Whether traces are made: what makes them takes half a second to load."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from dishka import Provider

from photo.entrypoints.settings import Settings

if TYPE_CHECKING:  # workers have no use for it
    from photo.entrypoints.http.edge import Trace


class Tracing(NamedTuple):
    """By default there is none, and it costs nothing."""

    #: Of decorated ports and servers.
    providers: Sequence[Provider] = ()
    requests: "Trace | None" = None


@contextmanager
def traced(settings: Settings, *, service: str) -> Iterator[Tracing]:
    """Make traces meanwhile, if there is a place to send them to."""
    if settings.otel_exporter_otlp_endpoint is None:
        yield Tracing()
        return
    from photo.entrypoints.tracing import sending_traces  # noqa: PLC0415 - heavy

    endpoint = settings.otel_exporter_otlp_endpoint
    with sending_traces(settings, endpoint, service=service) as tracing:
        yield tracing
