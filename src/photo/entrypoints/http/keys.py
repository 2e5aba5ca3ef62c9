"""Routes: a tenant's API keys."""

from datetime import datetime
from typing import Annotated, Any, Self

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from photo.application.keys import CreateKey, RevokeKey
from photo.application.ports import KeyRepository
from photo.domain.access import ApiKey, KeyId, Scope
from photo.domain.errors import NotFound
from photo.entrypoints.http.bodies import NewKey
from photo.entrypoints.http.idempotency import idempotent
from photo.entrypoints.http.identifiers import key_named
from photo.entrypoints.http.openapi import IDEMPOTENT, IdempotentOperation, problems
from photo.entrypoints.http.paging import CURSOR, LIMIT, cursor_after, key_before
from photo.entrypoints.http.request import ADMIN, ApiRequest


class KeyView(Struct, frozen=True, kw_only=True):
    id: KeyId
    #: How the key begins: enough to tell which one it is.
    prefix: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    #: Of uses within a minute, the first.
    last_used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        return cls(**_shown(key))


class CreatedKey(KeyView, frozen=True, kw_only=True):
    #: The key itself. It is shown only here.
    key: str


class KeyPage(Struct, frozen=True):
    items: list[KeyView]
    next_cursor: str | None


@post(
    "/",
    security=ADMIN,
    summary="Create an API key",
    responses=problems(*IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def create_key(
    request: ApiRequest, data: JSONBody[NewKey], create: FromDishka[CreateKey]
) -> Response[CreatedKey]:
    """For the caller's tenant, with scopes that the caller has."""
    key, shown = await create(
        request.user, name=data.name, scopes=data.scopes, expires=data.expires
    )
    return Response(
        CreatedKey(**_shown(key), key=shown),
        headers={"Location": f"/v1/keys/{key.id}"},
    )


@get("/", security=ADMIN, summary="List API keys", responses=problems())
async def list_keys(
    request: ApiRequest,
    *,
    keys: FromDishka[KeyRepository],
    limit: Annotated[int, LIMIT] = 50,
    cursor: Annotated[str | None, CURSOR] = None,
) -> KeyPage:
    """Newest first, with those that are revoked or expired."""
    found = await keys.page(
        request.user.tenant,
        limit=limit + 1,
        before=None if cursor is None else key_before(cursor),
    )
    page, more = found[:limit], found[limit:]
    return KeyPage(
        [KeyView.of(key) for key in page], cursor_after(page[-1].id) if more else None
    )


@get(
    "/{id:str}",
    security=ADMIN,
    summary="Look up an API key",
    responses=problems(NotFound),
)
async def get_key(
    request: ApiRequest, id: FromPath[str], keys: FromDishka[KeyRepository]
) -> KeyView:
    """What it may do and when it was last used. The key itself is not shown again."""
    return KeyView.of(await keys.get_for(request.user.tenant, key_named(id)))


@delete(
    "/{id:str}",
    security=ADMIN,
    summary="Revoke an API key",
    responses=problems(NotFound),
)
async def revoke_key(
    request: ApiRequest, id: FromPath[str], revoke: FromDishka[RevokeKey]
) -> None:
    """Within a second it opens nothing any more. It stays listed, as revoked."""
    await revoke(request.user, key_named(id))


def _shown(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


router = DishkaRouter(
    "/keys",
    route_handlers=[create_key, list_keys, get_key, revoke_key],
    tags=["keys"],
)
