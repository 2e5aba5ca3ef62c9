"""Where everything of the stack is, past all proxies: for whoever counts."""

from dataclasses import dataclass, field
from pathlib import Path

from photo.entrypoints.local.seaweedfs import S3Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    #: Of each API process.
    api_urls: tuple[str, ...]
    #: As asyncpg takes it, of the superuser, whom no policy holds.
    database_url: str = field(repr=False)
    s3: S3Server
    temporal_target: str
    temporal_namespace: str
    task_queue: str
    raw_bucket: str
    processed_bucket: str
    #: The disk that the workers decode photos on.
    scratch: Path
    #: Of all processes, one a name and added to at every start: `api-1.log`, …
    logs: Path
    #: Whether photos are scanned for viruses.
    clamd: bool
    #: Of each worker, for Prometheus.
    metrics_urls: tuple[str, ...] = ()
