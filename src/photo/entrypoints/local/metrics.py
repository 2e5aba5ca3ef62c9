"""Where the processes of a local stack tell what they count."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from photo.entrypoints.local.ports import HOST, choose_ports, is_free
from photo.entrypoints.private import write_private

_FILE = "metrics.json"


def metrics_ports(
    data_dir: Path, names: Sequence[str], *, besides: int
) -> Mapping[str, int]:
    """A port for each of the processes, as last time where that is still free."""
    free = {
        name: port
        for name, port in _last(data_dir).items()
        if port != besides and is_free(port)
    }
    chosen = choose_ports(names, besides={besides, *free.values()})
    ports = {name: free.get(name, chosen[name]) for name in names}
    write_private(data_dir / _FILE, msgspec.json.encode(ports).decode())
    return ports


def metrics_urls(data_dir: Path) -> list[str]:
    """Of the processes that were started last; none where there never were any."""
    return [f"http://{HOST}:{port}/metrics" for port in _last(data_dir).values()]


def _last(data_dir: Path) -> dict[str, int]:
    try:
        data = (data_dir / _FILE).read_bytes()
        return msgspec.json.decode(data, type=dict[str, int])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}
