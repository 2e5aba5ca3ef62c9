"""What the application needs from the outside: every port, each with its promise."""

from photo.application.ports.photos import (
    Documents,
    ImageNormalizer,
    PageImage,
    PhotoFetcher,
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

__all__ = [
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
    "Scanner",
    "Stopwatch",
    "StoredObject",
    "TextRecognizer",
    "UploadForm",
    "UploadRepository",
    "WorkflowEngine",
]
