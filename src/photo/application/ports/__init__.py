"""What the application needs from the outside: every port, each with its promise."""

from photo.application.ports.audit import AuditLog
from photo.application.ports.events import JobEvents
from photo.application.ports.idempotency import IdempotencyKeys, KeptAnswer
from photo.application.ports.identity import TokenVerifier
from photo.application.ports.limits import (
    Backlog,
    Budget,
    Charge,
    Endings,
    Limit,
    RateLimiter,
    Standing,
)
from photo.application.ports.measures import Measures, Outcome, Verdict
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
from photo.application.ports.records import (
    AgedJob,
    AgedRecords,
    Erasures,
    UsageRecords,
)
from photo.application.ports.repairs import Repair, RepairLog
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
from photo.application.ports.search import Candidates, TextIndex
from photo.application.ports.snapshot import Owed, Snapshot, Snapshots, Underway
from photo.application.ports.storage import (
    Buckets,
    ListedObject,
    ObjectLinks,
    ObjectStore,
    Pace,
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
from photo.application.ports.webhooks import (
    Courier,
    DeliveryQuery,
    DeliveryRepository,
    Receipt,
    RenderEvent,
    WebhookRepository,
    WebhookSender,
)

__all__ = [
    "AgedJob",
    "AgedRecords",
    "AuditLog",
    "Backlog",
    "Buckets",
    "Budget",
    "Candidates",
    "Changes",
    "Charge",
    "Check",
    "Clock",
    "Courier",
    "DeliveryQuery",
    "DeliveryRepository",
    "Documents",
    "Endings",
    "Erasures",
    "IdempotencyKeys",
    "ImageNormalizer",
    "InfectedFiles",
    "JobEvents",
    "JobFeed",
    "JobQuery",
    "JobRepository",
    "KeptAnswer",
    "KeyRepository",
    "Limit",
    "ListedObject",
    "Measures",
    "NewId",
    "ObjectLinks",
    "ObjectStore",
    "Outcome",
    "Owed",
    "Pace",
    "PageImage",
    "PhotoFetcher",
    "RateLimiter",
    "Receipt",
    "RenderEvent",
    "Repair",
    "RepairLog",
    "Result",
    "ResultRenderer",
    "Scanner",
    "Snapshot",
    "Snapshots",
    "Standing",
    "Stopwatch",
    "StoredObject",
    "TextIndex",
    "TextRecognizer",
    "TokenVerifier",
    "Transactions",
    "Underway",
    "UploadForm",
    "UploadRepository",
    "UsageRecords",
    "Vault",
    "Verdict",
    "WebhookRepository",
    "WebhookSender",
    "WorkflowEngine",
]
