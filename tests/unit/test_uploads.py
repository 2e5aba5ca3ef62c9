from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from photo.application.uploads import PhotoPromise, UploadState
from photo.domain.errors import FileTooLarge, NotFound, ValidationFailed
from photo.domain.media import ByteLimits, MediaType
from photo.domain.upload import GRANT_LIFETIME
from tests.makers import ACME, NOW, OTHER, an_upload, in_chunks, photo_bytes
from tests.unit.world import Crash, World

JPEG = PhotoPromise(content_type=MediaType.JPEG)
LIMIT = ByteLimits().of(MediaType.JPEG)


async def test_a_grant_is_for_the_tenant_the_type_and_the_moment(world: World) -> None:
    upload, form = await world.grant(ACME, JPEG)
    assert (upload.tenant, upload.content_type) == (ACME, MediaType.JPEG)
    assert upload.expires_at == NOW + GRANT_LIFETIME
    assert form.fields["key"] == upload.key
    assert await world.uploads.get(upload.id, tenant=ACME) == upload


async def test_a_promise_is_kept_with_the_grant(world: World) -> None:
    promise = PhotoPromise(
        content_type=MediaType.PNG, size_bytes=7, sha256="ab" * 32, filename="a.png"
    )
    upload, _ = await world.grant(ACME, promise)
    assert (upload.size_bytes, upload.sha256) == (7, "ab" * 32)
    assert (upload.filename, upload.max_bytes) == ("a.png", 7)


async def test_a_checksum_may_be_promised_in_capitals(world: World) -> None:
    promise = PhotoPromise(content_type=MediaType.JPEG, sha256="AB" * 32)
    upload, _ = await world.grant(ACME, promise)
    assert upload.sha256 == "ab" * 32


@pytest.mark.parametrize("media_type", MediaType)
async def test_the_largest_file_of_a_type_may_be_promised(
    world: World, media_type: MediaType
) -> None:
    limit = ByteLimits().of(media_type)
    await world.grant(ACME, PhotoPromise(content_type=media_type, size_bytes=limit))
    with pytest.raises(FileTooLarge, match=str(limit)) as refused:
        await world.grant(
            ACME, PhotoPromise(content_type=media_type, size_bytes=limit + 1)
        )
    assert refused.value.pointer == "/size_bytes"


@pytest.mark.parametrize(
    ("promise", "pointer"),
    [
        (PhotoPromise(content_type=MediaType.JPEG, size_bytes=0), "/size_bytes"),
        (PhotoPromise(content_type=MediaType.JPEG, size_bytes=-1), "/size_bytes"),
        (PhotoPromise(content_type=MediaType.JPEG, sha256=""), "/sha256"),
        (PhotoPromise(content_type=MediaType.JPEG, sha256="ab" * 31), "/sha256"),
        (PhotoPromise(content_type=MediaType.JPEG, sha256="xy" * 32), "/sha256"),
        (PhotoPromise(content_type=MediaType.JPEG, sha256="ab" * 32 + "\n"), "/sha256"),
    ],
)
async def test_an_impossible_promise_is_refused_by_its_field(
    world: World, promise: PhotoPromise, pointer: str
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await world.grant(ACME, promise)
    assert refused.value.pointer == pointer


class Body:
    """A body of equal chunks that counts how many were taken."""

    def __init__(self, chunks: int, *, size: int = 1_000_000) -> None:
        self.taken = 0
        self._chunks, self._size = chunks, size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._chunks):
            self.taken += 1
            yield bytes(self._size)


async def test_a_photo_is_received_whole(world: World) -> None:
    data = photo_bytes()
    upload = await world.receive(ACME, JPEG, in_chunks(data, size=100))
    assert world.raw.contents() == {upload.key: (data, "image/jpeg")}
    assert await world.uploads.get(upload.id, tenant=ACME) == upload


async def test_a_body_of_exactly_the_limit_is_received(world: World) -> None:
    body = Body(LIMIT // 1_000_000)
    upload = await world.receive(ACME, JPEG, aiter(body))
    assert (await world.raw.head(upload.key)).size_bytes == LIMIT


async def test_a_body_that_is_too_long_is_not_read_on_and_not_stored(
    world: World,
) -> None:
    body = Body(1000)
    with pytest.raises(FileTooLarge, match=str(LIMIT)):
        await world.receive(ACME, JPEG, aiter(body))
    assert body.taken == LIMIT // 1_000_000 + 1
    assert world.raw.contents() == {}


async def test_a_body_longer_than_promised_is_not_stored(world: World) -> None:
    promise = PhotoPromise(content_type=MediaType.JPEG, size_bytes=3)
    with pytest.raises(FileTooLarge, match="3 bytes"):
        await world.receive(ACME, promise, in_chunks(b"1234"))
    assert world.raw.contents() == {}


@pytest.mark.parametrize("body", [Body(0), Body(3, size=0)])
async def test_an_empty_body_is_not_stored(world: World, body: Body) -> None:
    with pytest.raises(ValidationFailed, match="empty"):
        await world.receive(ACME, JPEG, aiter(body))
    assert world.raw.contents() == {}


async def test_a_client_that_hangs_up_leaves_no_object(world: World) -> None:
    async def cut() -> AsyncIterator[bytes]:
        yield b"\xff\xd8\xff"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await world.receive(ACME, JPEG, cut())
    assert world.raw.contents() == {}


async def test_an_upload_is_pending_then_arrived_then_used(world: World) -> None:
    upload = an_upload()
    await world.uploads.add(upload)
    assert (await world.look_up(ACME, upload.id)).state is UploadState.PENDING
    await world.send(upload)
    assert (await world.look_up(ACME, upload.id)).state is UploadState.ARRIVED
    job = await world.submit.on_upload(ACME, upload.id, {})
    assert await world.look_up(ACME, upload.id) == (upload, UploadState.USED, job.id)


async def test_an_upload_that_never_came_expires(world: World) -> None:
    upload = an_upload()
    await world.uploads.add(upload)
    world.clock.step(GRANT_LIFETIME)
    assert (await world.look_up(ACME, upload.id)).state is UploadState.EXPIRED


async def test_an_upload_that_came_does_not_expire(world: World) -> None:
    upload = await world.arrive(an_upload())
    world.clock.step(timedelta(days=1))
    assert (await world.look_up(ACME, upload.id)).state is UploadState.ARRIVED


async def test_another_tenants_upload_is_not_there(world: World) -> None:
    upload = await world.arrive(an_upload())
    with pytest.raises(NotFound):
        await world.look_up(OTHER, upload.id)


@pytest.mark.parametrize("call", [1, 2])
async def test_a_crash_while_receiving_leaves_no_object_without_an_upload(
    world: World, call: int
) -> None:
    world.fuse.blow_at(call)
    with pytest.raises(Crash):
        await world.receive(ACME, JPEG, in_chunks(photo_bytes()))
    assert {*world.raw.contents()} <= {upload.key for upload in world.uploads.known()}


async def test_a_crash_while_granting_leaves_an_upload_that_expires(
    world: World,
) -> None:
    world.fuse.blow_at(1)
    with pytest.raises(Crash):
        await world.grant(ACME, JPEG)
    (upload,) = world.uploads.known()
    world.clock.step(GRANT_LIFETIME)
    assert (await world.look_up(ACME, upload.id)).state is UploadState.EXPIRED
