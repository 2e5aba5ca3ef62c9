from dataclasses import replace

import pytest

from photo.domain.errors import NotFound
from photo.domain.media import MediaType
from photo.domain.upload import UploadId
from tests.contracts.repositories import Repositories
from tests.makers import ACME, OTHER, an_upload


async def test_an_upload_comes_back_as_it_was(repositories: Repositories) -> None:
    plain = an_upload()
    promised = replace(
        an_upload(MediaType.TIFF, size_bytes=50_000_000, sha256="0a" * 32),
        filename="Beleg „März“ 📷.tif",
    )
    for upload in (plain, promised):
        await repositories.uploads.add(upload)
        found = await repositories.uploads.get(upload.id, tenant=upload.tenant)
        assert found == upload


async def test_an_unknown_upload_is_not_found(repositories: Repositories) -> None:
    with pytest.raises(NotFound):
        await repositories.uploads.get(UploadId("upl_0"), tenant=ACME)


async def test_another_tenant_sees_no_upload(repositories: Repositories) -> None:
    upload = an_upload()
    await repositories.uploads.add(upload)
    with pytest.raises(NotFound):
        await repositories.uploads.get(upload.id, tenant=OTHER)
