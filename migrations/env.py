"""What alembic runs: on the connection that `migrate` made, or on DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from photo.adapters.postgres.migrate import on_connection
from photo.adapters.postgres.schema import metadata

#: Whoever migrates at the same time waits for its turn.
_TURN = text("SELECT pg_advisory_xact_lock(hashtext('photo-api migrations'))")


def run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        connection.execute(_TURN)
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(on_connection(os.environ["DATABASE_URL"], run))
