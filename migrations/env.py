"""What alembic runs: on the connection that `migrate` made, or on DATABASE_URL."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from photo.adapters.postgres.migrate import on_connection
from photo.adapters.postgres.schema import metadata

#: Whoever migrates at the same time asks for its turn until the first one's connection
#: ends. To wait in a transaction would not do: who builds an index waits for those.
_TURN = text("SELECT pg_try_advisory_lock(hashtext('photo-api migrations'))")
_PAUSE = text("SELECT pg_sleep(0.2)")


def run(connection: Connection) -> None:
    while not connection.scalar(_TURN):
        connection.execute(_PAUSE)
        connection.commit()
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(on_connection(os.environ["DATABASE_URL"], run))
