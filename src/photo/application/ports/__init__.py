"""What the application needs from the outside: every port, each with its promise."""

from photo.application.ports.audit import AuditLog
from photo.application.ports.identity import TokenVerifier
from photo.application.ports.photos import (
    Documents,
    ImageNormalizer,
    PageImage,
    PhotoFetcher,
    Result,
    ResultRenderer,
    Scanner,
    TextRecognizer,
)
from photo.application.ports.repositories import (
    Changes,
    InfectedFiles,
    JobFeed,
    JobQuery,
    JobRepository,
    KeyRepository,
    UploadRepository,
)
from photo.application.ports.sealing import Vault
from photo.application.ports.storage import (
    Buckets,
    ListedObject,
    ObjectLinks,
    ObjectStore,
    StoredObject,
    UploadForm,
)
from photo.application.ports.surroundings import (
    Check,
    Clock,
    NewId,
    Stopwatch,
    WorkflowEngine,
)
from photo.application.ports.transactions import Transactions

__all__ = [
    "AuditLog",
    "Buckets",
    "Changes",
    "Check",
    "Clock",
    "Documents",
    "ImageNormalizer",
    "InfectedFiles",
    "JobFeed",
    "JobQuery",
    "JobRepository",
    "KeyRepository",
    "ListedObject",
    "NewId",
    "ObjectLinks",
    "ObjectStore",
    "PageImage",
    "PhotoFetcher",
    "Result",
    "ResultRenderer",
    "Scanner",
    "Stopwatch",
    "StoredObject",
    "TextRecognizer",
    "TokenVerifier",
    "Transactions",
    "UploadForm",
    "UploadRepository",
    "Vault",
    "WorkflowEngine",
]
