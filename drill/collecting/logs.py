"""What the service's own processes wrote; servers have their own ways."""

from collections.abc import Sequence
from pathlib import Path

from drill.evidence import Line

_OURS = ("api", "worker")


def read_lines(folder: Path) -> Sequence[Line]:
    return [
        Line(f"{file.name}:{number}", text)
        for file in sorted(folder.glob("*.log*"))
        if file.name.startswith(_OURS)
        for number, text in enumerate(
            file.read_text(encoding="utf-8", errors="replace").splitlines(), 1
        )
    ]
