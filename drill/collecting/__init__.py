"""Evidence, read past all proxies: rows, objects, workflows, the disk and the logs."""

import asyncio
from collections.abc import Collection, Sequence

from drill.collecting import workflows
from drill.collecting.logs import read_lines
from drill.collecting.objects import keys_of, opened, read_objects
from drill.collecting.rows import read_rows
from drill.collecting.scratch import left_on
from drill.evidence import Evidence
from drill.ledger import Ledger
from drill.places import Places
from drill.shapes import Struck
from drill.tidying import tidy_a_day_later


async def collect(
    places: Places,
    ledger: Ledger,
    struck: Sequence[Struck],
    *,
    secrets: Collection[str],
) -> Evidence:
    """When nothing goes on any more: the hourly tidying is let go on a day later."""
    async with opened(places.s3) as s3:
        raw = await keys_of(s3, places.raw_bucket)
        tidied = await tidy_a_day_later(places)
        raw_a_day_later = await keys_of(s3, places.raw_bucket)
        objects = await read_objects(s3, places.processed_bucket)
    temporal = await workflows.connected(places)
    rows = await read_rows(places.database_url)
    return Evidence(
        ledger=ledger,
        struck=struck,
        **rows._asdict(),
        **objects._asdict(),
        raw=raw,
        raw_a_day_later=raw_a_day_later,
        tidied=tidied,
        running=[
            *await workflows.running_workflows(temporal, "process-photo"),
            *await workflows.running_workflows(temporal, "deliver-webhook"),
        ],
        steps=await workflows.read_steps(temporal),
        scratch=[*left_on(places.scratch)],
        lines=await asyncio.to_thread(read_lines, places.logs),
        secrets=secrets,
    )
