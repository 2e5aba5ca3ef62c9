"""Routes: endpoints that are told when jobs end, and what was sent to them."""

from typing import Annotated

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from photo.application.deliveries import ReplayDelivery
from photo.application.ports import (
    DeliveryQuery,
    DeliveryRepository,
    WebhookRepository,
)
from photo.application.webhooks import (
    CreateWebhook,
    DefaultWebhook,
    DeleteWebhook,
    EnableWebhook,
    RotateSecret,
)
from photo.domain.errors import NotFound, UrlRefused
from photo.domain.webhook import DeliveryStatus
from photo.entrypoints.http.bodies import NewWebhook
from photo.entrypoints.http.idempotency import idempotent
from photo.entrypoints.http.identifiers import delivery_named, webhook_named
from photo.entrypoints.http.openapi import IDEMPOTENT, IdempotentOperation, problems
from photo.entrypoints.http.paging import (
    CURSOR,
    LIMIT,
    cursor_after,
    delivery_before,
    webhook_before,
)
from photo.entrypoints.http.request import ADMIN, ApiRequest
from photo.entrypoints.http.webhook_views import (
    DeliveryPage,
    DeliveryView,
    WebhookPage,
    WebhookView,
)

_STATUS = QueryParameter(description="Only deliveries in this state.")


@post(
    "/",
    security=ADMIN,
    summary="Create a webhook",
    responses=problems(UrlRefused, *IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def create_webhook(
    request: ApiRequest, data: JSONBody[NewWebhook], create: FromDishka[CreateWebhook]
) -> Response[WebhookView]:
    """Be told of every job's end. The secret is shown here, and not again."""
    shown = await create(request.user, data.url, data.events)
    return Response(
        WebhookView.shown(shown),
        headers={"Location": f"/v1/webhooks/{shown.webhook.id}"},
    )


@get("/", security=ADMIN, summary="List webhooks", responses=problems())
async def list_webhooks(
    request: ApiRequest,
    *,
    webhooks: FromDishka[WebhookRepository],
    limit: Annotated[int, LIMIT] = 50,
    cursor: Annotated[str | None, CURSOR] = None,
) -> WebhookPage:
    """Newest first."""
    found = await webhooks.page(
        request.user.tenant,
        limit=limit + 1,
        before=None if cursor is None else webhook_before(cursor),
    )
    page, more = found[:limit], found[limit:]
    return WebhookPage(
        [WebhookView.of(webhook) for webhook in page],
        cursor_after(page[-1].id) if more else None,
    )


@post(
    "/default",
    status_code=200,
    security=ADMIN,
    summary="Set up what signs for single jobs",
    responses=problems(*IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def set_up_default_webhook(
    request: ApiRequest, default: FromDishka[DefaultWebhook]
) -> WebhookView:
    """What goes to the `webhook_url` of a job is signed with this one's secret.

    It is made when it is first needed: by this call, which then shows the secret, or
    by a job. Once it is there this changes nothing: rotate the secret to see a new one.
    """
    return WebhookView.shown(await default(request.user))


@get(
    "/{id:str}",
    security=ADMIN,
    summary="Look up a webhook",
    responses=problems(NotFound),
)
async def get_webhook(
    request: ApiRequest, id: FromPath[str], webhooks: FromDishka[WebhookRepository]
) -> WebhookView:
    """Whether it is disabled or failing, and since when. Its secret is not shown."""
    return WebhookView.of(
        await webhooks.get_for(request.user.tenant, webhook_named(id))
    )


@delete(
    "/{id:str}",
    security=ADMIN,
    summary="Delete a webhook",
    responses=problems(NotFound),
)
async def delete_webhook(
    request: ApiRequest, id: FromPath[str], forget: FromDishka[DeleteWebhook]
) -> None:
    """With its log of deliveries, and those that are still to be made."""
    await forget(request.user, webhook_named(id))


@post(
    "/{id:str}/rotate-secret",
    status_code=200,
    security=ADMIN,
    summary="Rotate a webhook's secret",
    responses=problems(NotFound, *IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def rotate_secret(
    request: ApiRequest, id: FromPath[str], rotate: FromDishka[RotateSecret]
) -> WebhookView:
    """The answer has the new secret. For 24 hours the one before signs as well."""
    return WebhookView.shown(await rotate(request.user, webhook_named(id)))


@post(
    "/{id:str}/enable",
    status_code=200,
    security=ADMIN,
    summary="Enable a webhook",
    responses=problems(NotFound, *IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def enable_webhook(
    request: ApiRequest, id: FromPath[str], enable: FromDishka[EnableWebhook]
) -> WebhookView:
    """After it was disabled. What it missed can be replayed, if it was owed by then."""
    return WebhookView.of(await enable(request.user, webhook_named(id)))


@get(
    "/{id:str}/deliveries",
    security=ADMIN,
    summary="List deliveries",
    responses=problems(NotFound),
)
async def list_deliveries(
    request: ApiRequest,
    *,
    id: FromPath[str],
    webhooks: FromDishka[WebhookRepository],
    deliveries: FromDishka[DeliveryRepository],
    limit: Annotated[int, LIMIT] = 50,
    cursor: Annotated[str | None, CURSOR] = None,
    status: Annotated[DeliveryStatus | None, _STATUS] = None,
) -> DeliveryPage:
    """Newest first, each with its attempts."""
    webhook = await webhooks.get_for(request.user.tenant, webhook_named(id))
    found = await deliveries.page(
        DeliveryQuery(
            webhook_id=webhook.id,
            limit=limit + 1,
            before=None if cursor is None else delivery_before(cursor),
            status=status,
        )
    )
    page, more = found[:limit], found[limit:]
    return DeliveryPage(
        [DeliveryView.of(delivery) for delivery in page],
        cursor_after(page[-1].id) if more else None,
    )


@post(
    "/{id:str}/deliveries/{delivery_id:str}/replay",
    status_code=202,
    security=ADMIN,
    summary="Replay a delivery",
    responses=problems(NotFound, *IDEMPOTENT),
    operation_class=IdempotentOperation,
)
@idempotent
async def replay_delivery(
    request: ApiRequest,
    id: FromPath[str],
    delivery_id: FromPath[str],
    replay: FromDishka[ReplayDelivery],
) -> DeliveryView:
    """Send it again, at once, under the same id; and for a day, until it is taken."""
    delivery = await replay(
        request.user.tenant, webhook_named(id), delivery_named(delivery_id)
    )
    return DeliveryView.of(delivery)


router = DishkaRouter(
    "/webhooks",
    route_handlers=[
        create_webhook,
        list_webhooks,
        set_up_default_webhook,
        get_webhook,
        delete_webhook,
        rotate_secret,
        enable_webhook,
        list_deliveries,
        replay_delivery,
    ],
    tags=["webhooks"],
)
