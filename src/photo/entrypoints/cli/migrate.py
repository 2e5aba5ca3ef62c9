"""`photo migrate`: the database to the newest revision."""

import click

from photo.adapters.postgres.migrate import migrate as migrate_database
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import run


@click.command()
def migrate() -> None:
    """Bring the database to the newest revision. Safe to repeat, or to run twice."""

    async def main(settings: Settings) -> None:
        await migrate_database(settings.database_url)

    run(main)
