"""Webhooks of a `World`: their use cases on adapters in memory, with its fuse."""

from collections.abc import Awaitable, Callable

from photo.adapters.memory import (
    MemoryAuditLog,
    MemoryDatabase,
    MemoryDeliveryRepository,
    MemoryRepairLog,
    MemoryWebhookRepository,
    MemoryWebhookSender,
)
from photo.adapters.vault import AesVault
from photo.application.attempts import AttemptDelivery
from photo.application.audit import RecordChange
from photo.application.deliveries import (
    AnnounceEnd,
    ReplayDelivery,
    StartLostDeliveries,
)
from photo.application.ports import Clock, Courier, JobRepository, Measures
from photo.application.webhooks import (
    CreateWebhook,
    DefaultWebhook,
    DeleteWebhook,
    EnableWebhook,
    MakeWebhook,
    RotateSecret,
)
from photo.domain.access import Principal, Scope
from photo.domain.webhook import Delivery, DeliveryId
from photo.entrypoints.http.webhook_views import WebhookEvent
from tests.makers import ACME, new_id

ADMIN = Principal(ACME, frozenset(Scope), "key_1")

Burn = Callable[[], Awaitable[None]]


class FusedDeliveries(MemoryDeliveryRepository):
    def __init__(self, burn: Burn, database: MemoryDatabase) -> None:
        super().__init__(database)
        self._burn = burn

    async def add(self, delivery: Delivery) -> bool:
        added = await super().add(delivery)
        await self._burn()
        return added

    async def update(
        self, delivery_id: DeliveryId, change: Callable[[Delivery], Delivery]
    ) -> Delivery:
        delivery = await super().update(delivery_id, change)
        await self._burn()
        return delivery

    def known(self) -> list[Delivery]:
        return [*self._deliveries.values()]


class RecordingCourier(Courier):
    """Carries nothing and remembers what it was asked; `fault` makes it fail first."""

    def __init__(self, burn: Burn) -> None:
        self.started: list[DeliveryId] = []
        self.hurried: list[DeliveryId] = []
        self.under_way: set[DeliveryId] = set()
        self.fault: Exception | None = None
        self._burn = burn

    async def start(self, delivery_id: DeliveryId) -> bool:
        await self._burn()
        if self.fault:
            raise self.fault
        self.started.append(delivery_id)
        return delivery_id not in self.under_way

    async def hurry(self, delivery_id: DeliveryId) -> None:
        if self.fault:
            raise self.fault
        self.hurried.append(delivery_id)


class Post:
    def __init__(
        self,
        burn: Burn,
        database: MemoryDatabase,
        jobs: JobRepository,
        clock: Clock,
        measures: Measures,
    ) -> None:
        self.vault = AesVault("a secret of the operator's")
        self.deliveries = FusedDeliveries(burn, database)
        self.webhooks = MemoryWebhookRepository(self.deliveries, database)
        self.sender = MemoryWebhookSender()
        self.courier = RecordingCourier(burn)
        self.audit = MemoryAuditLog(database)
        record = RecordChange(self.audit, new_id, clock)
        make = MakeWebhook(self.vault, new_id, clock)
        rows = (database, self.webhooks)
        self.create = CreateWebhook(*rows, self.sender, make, record)
        self.default = DefaultWebhook(*rows, make, record)
        self.rotate = RotateSecret(*rows, self.vault, record, clock)
        self.enable = EnableWebhook(*rows, record)
        self.delete = DeleteWebhook(*rows, record)
        self.announce = AnnounceEnd(
            *rows, self.deliveries, self.default, self.courier, new_id, clock
        )
        self.attempt = AttemptDelivery(
            *rows,
            self.deliveries,
            jobs,
            self.sender,
            WebhookEvent.render,
            self.vault,
            record,
            measures,
            lambda: clock().timestamp(),
            clock,
        )
        self.replay = ReplayDelivery(*rows, self.deliveries, self.courier, clock)
        self.repairs = MemoryRepairLog()
        self.start_lost = StartLostDeliveries(
            self.deliveries, self.courier, self.repairs, clock
        )

    async def actions(self) -> list[str]:
        """What the audit log tells of, the oldest first."""
        entries = await self.audit.page(ACME, limit=99)
        return [str(entry.action) for entry in reversed(entries)]
