"""Examples for the documentation, by the schemas that they are of."""

from collections.abc import Mapping
from typing import Any

from photo.domain.formats import Format

_UPLOAD = "upl_01kazp2m4q8v0r6t1w3x5y7z9a"
JOB = "job_01kazp2r7c3d5f7h9k1m3p5r7t"
_RETRY = "job_01kazp9w1x3z5b7d9f2h4k6m8q"
KEY = "key_01kayqv5h8k1n3q5s7t9w2y4a6"
WEBHOOK = "whk_01kaz7d0e2g4j6m8p1r3t5w7y9"
DELIVERY = "msg_01kazp4z6b8d1f3h5k7n9q2s4v"
_SHA256 = "9f2b7c0d4e6a8f1b3d5c7e9a0b2d4f6a8c1e3b5d7f9a0c2e4b6d8f1a3c5e7b90"
URL = "https://shop.example/hooks/photo"
_POLYGON = [[102.0, 88.0], [731.0, 90.0], [731.0, 131.0], [102.0, 129.0]]

#: What stands in a path, by what is before it.
IDS: Mapping[str, str] = {
    "uploads": _UPLOAD,
    "jobs": JOB,
    "keys": KEY,
    "webhooks": WEBHOOK,
    "deliveries": DELIVERY,
}

_QUEUED: Mapping[str, Any] = {
    "id": JOB,
    "status": "queued",
    "step": None,
    "step_error": None,
    "source": {"type": "upload", "upload_id": _UPLOAD},
    "retry_of": None,
    "photo": None,
    "text_preview": None,
    "error": None,
    "metadata": {"order": "4711"},
    "created_at": "2026-11-23T09:30:00.120000Z",
    "started_at": None,
    "finished_at": None,
    "timings_ms": {},
    "links": {
        "self": f"/v1/jobs/{JOB}",
        "events": f"/v1/jobs/{JOB}/events",
        "result": f"/v1/jobs/{JOB}/result",
        "files": f"/v1/jobs/{JOB}/files",
    },
}
_SUCCEEDED: Mapping[str, Any] = {
    **_QUEUED,
    "status": "succeeded",
    "photo": {
        "content_type": "image/jpeg",
        "size_bytes": 183_204,
        "sha256": _SHA256,
        "width": 900,
        "height": 1500,
    },
    "text_preview": "HARBOUR LANE GROCERS\n12 Quay Street",
    "started_at": "2026-11-23T09:30:00.310000Z",
    "finished_at": "2026-11-23T09:30:01.870000Z",
    "timings_ms": {
        "fetch": 21,
        "verify": 64,
        "scan": 37,
        "normalize": 288,
        "recognize": 1033,
        "publish": 117,
    },
}
_CANCELLED: Mapping[str, Any] = {
    **_QUEUED,
    "status": "cancelled",
    "error": {
        "code": "cancelled",
        "detail": "The job was cancelled.",
        "retryable": True,
    },
    "finished_at": "2026-11-23T09:30:00.480000Z",
}
_RETRIED: Mapping[str, Any] = {
    **_QUEUED,
    "id": _RETRY,
    "retry_of": JOB,
    "created_at": "2026-11-23T09:34:10.002000Z",
    "links": {
        name: path.replace(JOB, _RETRY) for name, path in _QUEUED["links"].items()
    },
}
EXAMPLES: dict[str, Mapping[str, Any]] = {
    "NewUpload": {
        "content_type": "image/jpeg",
        "size_bytes": 183_204,
        "sha256": _SHA256,
        "filename": "receipt.jpg",
    },
    "UploadGrant": {
        "id": _UPLOAD,
        "method": "POST",
        "url": "https://photo-raw.s3.eu-central-1.amazonaws.com/",
        "fields": {
            "Content-Type": "image/jpeg",
            "key": f"acme/{_UPLOAD}",
            "policy": "eyJleHBpcmF0aW9uIjoi…",
            "x-amz-signature": "5d1c0e…",
        },
        "max_bytes": 183_204,
        "expires_at": "2026-11-23T09:45:00Z",
    },
    "UploadView": {
        "id": _UPLOAD,
        "status": "used",
        "content_type": "image/jpeg",
        "size_bytes": 183_204,
        "sha256": _SHA256,
        "filename": "receipt.jpg",
        "max_bytes": 183_204,
        "created_at": "2026-11-23T09:30:00Z",
        "expires_at": "2026-11-23T09:45:00Z",
        "job_id": JOB,
    },
    "NewJob": {
        "source": {"type": "upload", "upload_id": _UPLOAD},
        "metadata": {"order": "4711"},
        "webhook_url": URL,
    },
    "JobView": _SUCCEEDED,
    "JobPage": {"items": [_SUCCEEDED], "next_cursor": None},
    "ResultView": {
        "job_id": JOB,
        "engine": {"name": "rapidocr", "version": "3.10.0", "model": "PP-OCRv6 small"},
        "text": "HARBOUR LANE",
        "pages": [
            {
                "width": 900,
                "height": 1500,
                "lines": [
                    {
                        "text": "HARBOUR LANE",
                        "confidence": 0.998,
                        "polygon": _POLYGON,
                        "words": [
                            {
                                "text": "HARBOUR",
                                "confidence": 0.999,
                                "polygon": _POLYGON,
                            }
                        ],
                    }
                ],
            }
        ],
    },
    "FileList": {
        "items": [
            {
                "name": "text.txt",
                "content_type": "text/plain; charset=utf-8",
                "size_bytes": 412,
                "sha256": _SHA256,
                "url": f"https://files.example/acme/{JOB}/text.txt?X-Amz-Expires=300",
                "expires_at": "2026-11-23T09:35:00Z",
            }
        ]
    },
    "ErasureView": {
        "job_id": JOB,
        "photo_sha256": _SHA256,
        "objects": [
            {
                "bucket": "processed",
                "key": f"acme/{JOB}/text.txt",
                "size_bytes": 412,
                "sha256": _SHA256,
            }
        ],
        "rows": {"jobs": 1, "uploads": 1, "job_texts": 1},
        "requested_at": "2026-11-23T10:02:00Z",
        "completed_at": "2026-11-23T10:02:00.214000Z",
    },
    "FoundPage": {
        "items": [
            {
                "job_id": JOB,
                "snippet": "HARBOUR LANE GROCERS 12 Quay Street",
                "matches": [{"text": "HARBOUR", "page": 1, "polygon": _POLYGON}],
            }
        ],
        "next_cursor": None,
    },
    "Liveness": {"status": "ok", "version": "0.1.0"},
    "Readiness": {
        "status": "ok",
        "checks": {"database": {"status": "ok", "latency_ms": 1.4}},
    },
    "WebhookEvent": {
        "type": "job.succeeded",
        "timestamp": "2026-11-23T09:30:01.870000Z",
        "data": _SUCCEEDED,
    },
}

#: Where an operation's answer is not the usual one of its schema.
ANSWERS: dict[str, Mapping[str, Any]] = {
    "create_job": _QUEUED,
    "read_photo": _QUEUED,
    "cancel_job": _CANCELLED,
    "retry_job": _RETRIED,
}

#: What was read, in its other forms.
TEXTS: Mapping[Format, Any] = {
    Format.TEXT: "HARBOUR LANE GROCERS\n12 Quay Street",
    Format.HOCR: "<!DOCTYPE html>\n<html>…<span class='ocrx_word' …>HARBOUR</span>…",
    Format.ALTO: '<alto>…<String CONTENT="HARBOUR" HPOS="102" VPOS="88" …/>…</alto>',
    Format.TEXTRACT: {
        "DocumentMetadata": {"Pages": 1},
        "Blocks": [{"BlockType": "LINE", "Text": "HARBOUR LANE", "Confidence": 99.8}],
    },
}
