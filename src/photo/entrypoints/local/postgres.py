import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path

import asyncpg

from photo.entrypoints.local import binaries
from photo.entrypoints.local.children import Children
from photo.entrypoints.local.errors import StackError
from photo.entrypoints.local.ports import HOST
from photo.entrypoints.local.process import Process, Program
from photo.entrypoints.local.state import State

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
#: Errors are logged without the statement and its values: they may hold a photo's text.
#: Shared memory is in the data directory: in /dev/shm it would outlive a kill.
SETTINGS = {
    "dynamic_shared_memory_type": "mmap",
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


async def start_postgres(children: Children, state: State) -> None:
    """Starts Postgres and awaits the service's own role and database in it."""
    cluster = children.data_dir / "postgres"
    if not cluster.exists():
        await _initialise(cluster, children.logs, state)
    # Left by a kill. Nothing uses the cluster: its processes would hold our lock.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    port = state.ports["postgres"]
    settings = [f"-c{name}={value}" for name, value in SETTINGS.items()]
    argv = [binaries.postgres("postgres"), f"-D{cluster}", f"-p{port}", *settings]
    process = await children.start(
        Program(
            name="postgres",
            argv=argv,
            env=binaries.environment(cluster),
            user=_user(),
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGQUIT,
            grace_seconds=STOP_SECONDS,
        )
    )
    await process.until(lambda: _is_ready(state), seconds=READY_SECONDS)


def database_url(state: State, user: str, password: str) -> str:
    """The role's own database, which has its name."""
    address = f"{HOST}:{state.ports['postgres']}"
    return f"postgresql+asyncpg://{user}:{password}@{address}/{user}"


async def _is_ready(state: State) -> bool:
    try:
        connection = await asyncpg.connect(
            host=HOST,
            port=state.ports["postgres"],
            user="postgres",
            password=state.postgres_password,
            database="postgres",
            ssl=False,
        )
    except asyncpg.InvalidPasswordError:
        raise StackError(
            "Postgres refuses the password in stack.json. Restore that file, or "
            "remove the data directory to begin anew without its data."
        ) from None
    except (
        OSError,
        asyncpg.CannotConnectNowError,
        asyncpg.PostgresConnectionError,
    ):
        return False
    try:
        await _create_database(connection, state.photo_password)
    finally:
        await connection.close()
    return True


async def _create_database(connection: asyncpg.Connection, password: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = 'photo'"):
        await connection.execute(f"CREATE ROLE photo LOGIN PASSWORD '{password}'")
    if not await connection.fetchval(
        "SELECT 1 FROM pg_database WHERE datname = 'photo'"
    ):
        await connection.execute("CREATE DATABASE photo OWNER photo")


async def _initialise(cluster: Path, logs: Path, state: State) -> None:
    """Makes the cluster beside its place, so that it is there whole or not at all."""
    draft = cluster.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if user := _user():
        os.chown(draft, *user)
    argv = [binaries.postgres("initdb"), f"-D{draft}", "--username=postgres"]
    argv += ["--auth=scram-sha-256", "--pwfile=/dev/stdin"]
    argv += ["--encoding=UTF8", "--locale=C.UTF-8"]
    env = binaries.environment(draft)
    with tempfile.TemporaryFile() as password:
        password.write(state.postgres_password.encode())
        password.seek(0)
        process = await Process.start(
            Program(name="initdb", argv=argv, env=env, user=user),
            logs=logs,
            stdin=password,
        )
        try:
            if await process.wait():
                raise await process.died()
        finally:
            await process.stop()
    draft.rename(cluster)


def _user() -> tuple[int, int] | None:
    """Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
