"""Reads a photo, in memory, and tells how that ended: `FOLDER` of crash points."""

import asyncio
import sys
from pathlib import Path

from drill.crash import Points
from tests.drill.life import living


async def main(folder: str) -> None:
    async with living(Points(Path(folder))) as life:
        job = await life.end(await life.send_once())
    sys.stdout.write(job.status)


asyncio.run(main(*sys.argv[1:]))
