"""Presigned forms and links: S3 itself refuses whatever was not granted.

A link fixes name and type, and that browsers store the file instead of showing it. S3
sends no `X-Content-Type-Options`: pages that embed a link need a proxy that adds it.
"""

import re
from base64 import b64encode
from datetime import timedelta
from urllib.parse import quote

from photo.adapters.s3.clients import S3Clients, translated
from photo.application.ports import Clock, ObjectLinks, UploadForm
from photo.domain.filename import clean_filename
from photo.domain.upload import Upload


class S3ObjectLinks(ObjectLinks):
    def __init__(
        self, clients: S3Clients, *, raw: str, processed: str, now: Clock
    ) -> None:
        self._s3 = clients.links
        self._raw = raw
        self._processed = processed
        self._now = now

    async def grant_upload(self, upload: Upload) -> UploadForm:
        fields = {"Content-Type": str(upload.content_type), **_checksum(upload.sha256)}
        size = ["content-length-range", upload.size_bytes or 1, upload.max_bytes]
        remaining = upload.expires_at - self._now()
        with translated():
            form = await self._s3.generate_presigned_post(
                Bucket=self._raw,
                Key=upload.key,
                Fields=fields,
                Conditions=[*({name: value} for name, value in fields.items()), size],
                ExpiresIn=int(remaining.total_seconds()),
            )
        return UploadForm(form["url"], form["fields"])

    async def link(
        self, key: str, *, filename: str, content_type: str, lifetime: timedelta
    ) -> str:
        with translated():
            url: str = await self._s3.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._processed,
                    "Key": key,
                    "ResponseContentDisposition": _attachment(filename),
                    "ResponseContentType": content_type,
                },
                ExpiresIn=int(lifetime.total_seconds()),
            )
        return url


def _checksum(sha256: str | None) -> dict[str, str]:
    if sha256 is None:
        return {}
    digest = b64encode(bytes.fromhex(sha256)).decode()
    return {"x-amz-checksum-algorithm": "SHA256", "x-amz-checksum-sha256": digest}


def _attachment(filename: str) -> str:
    """RFC 6266: a plain name for old clients, the true one for all others."""
    name = clean_filename(filename) or "file"
    plain = re.sub(r"[^\w. -]", "_", name, flags=re.ASCII)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
