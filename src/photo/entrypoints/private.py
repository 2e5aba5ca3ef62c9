"""Files for their owner's eyes."""

import os
from pathlib import Path


def write_private(path: Path, content: str) -> None:
    """Whole or not at all, and readable by the owner alone from the first moment."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    draft.replace(path)
