"""What a scenario plays on: the stack, its clients, and what was found so far."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from drill.asking import Api, Store
from drill.clients import Clients
from drill.evidence import Violation
from drill.ledger import Ledger
from drill.receiver import Receiver
from drill.shapes import Fault, Struck
from drill.stack import Stack
from photo.entrypoints.local.errors import StackError


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    seed: int
    #: Jobs; more are turned away.
    max_unfinished: int
    stack: Stack
    ledger: Ledger
    clients: Clients
    receiver: Receiver
    store: Store
    #: By tenant.
    apis: Mapping[str, Api]
    struck: list[Struck] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    @property
    def tenant(self) -> str:
        """Whoever a scenario acts for."""
        return next(iter(self.apis))

    @property
    def api(self) -> Api:
        return self.apis[self.tenant]

    async def strike(self, fault: Fault) -> bool:
        """Whether it could take place. What does not come back is a violation."""
        began = monotonic()
        try:
            struck = await self.stack.strike(fault)
        except StackError as error:
            reason = str(error).partition("\n")[0]
            what = f"it did not come back from {fault.deed}: {reason}"
            self.violations.append(Violation("back", what, fault.part))
            struck = Struck(fault=fault, began=began, ended=monotonic())
        self.struck.append(struck)
        self.note(struck)
        return struck.met

    def note(self, struck: Struck) -> None:
        """Tell whoever reads the logs what happened when."""
        fault, seconds = struck.fault, struck.ended - struck.began
        ended = datetime.now(UTC)
        line = (
            f"{ended - timedelta(seconds=seconds):%H:%M:%S} to {ended:%H:%M:%S} "
            f"{fault.deed} {fault.part} {fault.number} {fault.detail} "
            f"{'' if struck.met else '(nobody came by)'}"
        )
        with (self.stack.places.logs / "faults.log").open("a") as log:
            log.write(line.rstrip() + "\n")


#: Plays, and answers with figures for the report.
Scenario = Callable[[Scene], Awaitable[dict[str, Any]]]
