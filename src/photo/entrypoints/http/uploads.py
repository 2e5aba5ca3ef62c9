"""Routes: let a client send a photo straight to the store."""

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from photo.application.uploads import GrantUpload, LookUpUpload
from photo.domain.errors import (
    FileTooLarge,
    Infected,
    NotFound,
    UnsupportedMediaType,
)
from photo.entrypoints.http.bodies import NewUpload
from photo.entrypoints.http.idempotency import idempotent
from photo.entrypoints.http.identifiers import upload_named
from photo.entrypoints.http.openapi import (
    IDEMPOTENT,
    IdempotentOperation,
    problems,
)
from photo.entrypoints.http.request import READ, WRITE, ApiRequest
from photo.entrypoints.http.views import UploadGrant, UploadView


@post(
    "/",
    security=WRITE,
    summary="Ask for an upload",
    responses=problems(FileTooLarge, Infected, UnsupportedMediaType, *IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def create_upload(
    request: ApiRequest, data: JSONBody[NewUpload], grant: FromDishka[GrantUpload]
) -> Response[UploadGrant]:
    """A form for one photo: the store refuses any other type or size."""
    upload, form = await grant(request.user.tenant, data.promise())
    return Response(
        UploadGrant.of(upload, form), headers={"Location": f"/v1/uploads/{upload.id}"}
    )


@get(
    "/{id:str}", security=READ, summary="Follow an upload", responses=problems(NotFound)
)
async def get_upload(
    request: ApiRequest, id: FromPath[str], look_up: FromDishka[LookUpUpload]
) -> UploadView:
    """Whether the photo has arrived, and which job used it."""
    return UploadView.of(await look_up(request.user.tenant, upload_named(id)))


router = DishkaRouter(
    "/uploads", route_handlers=[create_upload, get_upload], tags=["uploads"]
)
