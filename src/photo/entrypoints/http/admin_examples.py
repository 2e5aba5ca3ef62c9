"""Examples for the documentation of what admins do, by their schemas."""

from collections.abc import Mapping
from typing import Any

from photo.entrypoints.http.examples import DELIVERY, JOB, KEY, URL, WEBHOOK

_API_KEY: Mapping[str, Any] = {
    "id": KEY,
    "prefix": "pk_01kayqv5h8k1n3q5s7t9w2y4a6",
    "name": "scanner",
    "scopes": ["photos:write"],
    "created_at": "2026-11-23T00:00:00Z",
    "expires_at": "2027-02-21T00:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
_ENDPOINT: Mapping[str, Any] = {
    "id": WEBHOOK,
    "url": URL,
    "events": ["job.succeeded", "job.failed"],
    "created_at": "2026-11-23T04:40:00Z",
    "failing_since": None,
    "disabled_at": None,
    "disabled_reason": None,
}
_SENT: Mapping[str, Any] = {
    "id": DELIVERY,
    "event": "job.succeeded",
    "job_id": JOB,
    "url": URL,
    "status": "delivered",
    "created_at": "2026-11-23T09:30:01.870000Z",
    "next_attempt_at": None,
    "finished_at": "2026-11-23T09:30:01.991000Z",
    "attempts": [
        {
            "at": "2026-11-23T09:30:01.903000Z",
            "duration_ms": 88,
            "status_code": 204,
            "error": None,
        }
    ],
}

ADMIN_EXAMPLES: dict[str, Mapping[str, Any]] = {
    "NewKey": {"name": "scanner", "scopes": ["photos:write"], "expires_in_days": 90},
    "CreatedKey": {**_API_KEY, "key": f"{_API_KEY['prefix']}_6f1d…"},
    "KeyView": _API_KEY,
    "KeyPage": {"items": [_API_KEY], "next_cursor": None},
    "UsageList": {
        "items": [
            {
                "day": "2026-11-23",
                "jobs": 12,
                "bytes": 2_198_448,
                "succeeded": 11,
                "failed": 1,
                "cancelled": 0,
            }
        ]
    },
    "AuditPage": {
        "items": [
            {
                "id": "aud_01kayqv5j2k4m6p8r1t3v5x7z9",
                "at": "2026-11-23T00:00:00Z",
                "actor": KEY,
                "action": "key.created",
                "target": KEY,
                "details": {"name": "scanner"},
            }
        ],
        "next_cursor": None,
    },
    "NewWebhook": {"url": URL, "events": ["job.succeeded", "job.failed"]},
    "WebhookView": _ENDPOINT,
    "WebhookPage": {"items": [_ENDPOINT], "next_cursor": None},
    "DeliveryView": _SENT,
    "DeliveryPage": {"items": [_SENT], "next_cursor": None},
    "JobEvent": {"id": "2", "event": "job", "data": '{"id": "job_…", …}'},
}
