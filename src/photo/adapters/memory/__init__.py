"""Every port in memory: for tests, and to try the API with nothing installed."""

from photo.adapters.memory.access import MemoryInfectedFiles, MemoryKeyRepository
from photo.adapters.memory.audit import MemoryAuditLog
from photo.adapters.memory.engine import MemoryWorkflowEngine
from photo.adapters.memory.feed import MemoryJobFeed
from photo.adapters.memory.idempotency import MemoryIdempotencyKeys
from photo.adapters.memory.measures import MemoryMeasures
from photo.adapters.memory.objects import MemoryObjectLinks, MemoryObjectStore
from photo.adapters.memory.photos import (
    MemoryNormalizer,
    MemoryPhotoFetcher,
    MemoryRecognizer,
    MemoryScanner,
)
from photo.adapters.memory.records import (
    MemoryAgedRecords,
    MemoryErasures,
    MemoryUsage,
)
from photo.adapters.memory.repairs import MemoryRepairLog
from photo.adapters.memory.repositories import (
    MemoryJobRepository,
    MemoryUploadRepository,
)
from photo.adapters.memory.snapshots import MemorySnapshots
from photo.adapters.memory.texts import MemoryTextIndex
from photo.adapters.memory.transactions import MemoryDatabase
from photo.adapters.memory.webhooks import (
    MemoryCourier,
    MemoryDeliveryRepository,
    MemoryWebhookRepository,
    MemoryWebhookSender,
)

__all__ = [
    "MemoryAgedRecords",
    "MemoryAuditLog",
    "MemoryCourier",
    "MemoryDatabase",
    "MemoryDeliveryRepository",
    "MemoryErasures",
    "MemoryIdempotencyKeys",
    "MemoryInfectedFiles",
    "MemoryJobFeed",
    "MemoryJobRepository",
    "MemoryKeyRepository",
    "MemoryMeasures",
    "MemoryNormalizer",
    "MemoryObjectLinks",
    "MemoryObjectStore",
    "MemoryPhotoFetcher",
    "MemoryRecognizer",
    "MemoryRepairLog",
    "MemoryScanner",
    "MemorySnapshots",
    "MemoryTextIndex",
    "MemoryUploadRepository",
    "MemoryUsage",
    "MemoryWebhookRepository",
    "MemoryWebhookSender",
    "MemoryWorkflowEngine",
]
