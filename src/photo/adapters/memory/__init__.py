"""Every port in memory: for tests, and to try the API with nothing installed."""

from photo.adapters.memory.audit import MemoryAuditLog
from photo.adapters.memory.engine import MemoryWorkflowEngine
from photo.adapters.memory.feed import MemoryJobFeed
from photo.adapters.memory.objects import MemoryObjectLinks, MemoryObjectStore
from photo.adapters.memory.photos import (
    MemoryNormalizer,
    MemoryPhotoFetcher,
    MemoryRecognizer,
    MemoryScanner,
)
from photo.adapters.memory.repositories import (
    MemoryInfectedFiles,
    MemoryJobRepository,
    MemoryKeyRepository,
    MemoryUploadRepository,
)
from photo.adapters.memory.transactions import MemoryDatabase

__all__ = [
    "MemoryAuditLog",
    "MemoryDatabase",
    "MemoryInfectedFiles",
    "MemoryJobFeed",
    "MemoryJobRepository",
    "MemoryKeyRepository",
    "MemoryNormalizer",
    "MemoryObjectLinks",
    "MemoryObjectStore",
    "MemoryPhotoFetcher",
    "MemoryRecognizer",
    "MemoryScanner",
    "MemoryUploadRepository",
    "MemoryWorkflowEngine",
]
