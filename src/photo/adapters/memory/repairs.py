"""Repairs, remembered."""

from photo.application.ports import Repair, RepairLog


class MemoryRepairLog(RepairLog):
    def __init__(self) -> None:
        self.notes: list[tuple[Repair, int, dict[str, object]]] = []

    def note(self, repair: Repair, *, count: int = 1, **about: object) -> None:
        self.notes.append((repair, count, about))
