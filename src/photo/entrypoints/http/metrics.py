"""The route for Prometheus, where it may share the API's port."""

import asyncio

from dishka.integrations.litestar import DishkaRouter, FromDishka
from litestar import Response, get

from photo.adapters.metrics.exposition import CONTENT_TYPE, Exposition


@get("/metrics", include_in_schema=False)
async def metrics(exposition: FromDishka[Exposition]) -> Response[bytes]:
    text = await asyncio.to_thread(exposition.text)
    return Response(text, media_type=CONTENT_TYPE)


router = DishkaRouter("/", route_handlers=[metrics])
