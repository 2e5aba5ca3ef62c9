"""All that a process counts, as Prometheus reads it."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException

import structlog
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

log = structlog.get_logger(__name__)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = 2


class Exposition:
    """The registry's metrics, then those that Temporal's SDK shows at its address."""

    def __init__(self, registry: CollectorRegistry, sdk_address: str = "") -> None:
        self._registry = registry
        self._sdk_address = sdk_address

    def text(self) -> bytes:
        """To be called in a thread: it may wait."""
        own = generate_latest(self._registry).decode()
        return "".join(merged(own, self._of_sdk())).encode()

    def _of_sdk(self) -> str:
        if not self._sdk_address:
            return ""
        # Not urllib, which might ask a proxy.
        connection = HTTPConnection(self._sdk_address, timeout=_SECONDS)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        except ConnectionRefusedError:
            return ""  # there is no client of Temporal yet
        except (OSError, HTTPException, UnicodeError) as error:
            log.warning("sdk_metrics_unreadable", reason=type(error).__name__)
            return ""
        finally:
            connection.close()


def merged(*texts: str) -> Iterator[str]:
    """All lines, but what is said of a metric once: strict readers refuse more."""
    said = set()
    for text in texts:
        for line in text.splitlines():
            if line.startswith("# "):
                about = tuple(line.split(" ", 3)[1:3])
                if about in said:
                    continue
                said.add(about)
            yield f"{line}\n"
