"""From the answer of one operation to the next ones, for the documentation."""

from collections.abc import Mapping
from typing import Any

_CREATED = {"201", "202"}
_ITS_ID = {"id": "$response.body#/id"}

#: Where what an operation makes is found later.
MADE_IN = {
    "create_upload": "/v1/uploads",
    "create_job": "/v1/jobs",
    "retry_job": "/v1/jobs",
    "read_photo": "/v1/jobs",
    "create_key": "/v1/keys",
    "create_webhook": "/v1/webhooks",
}
#: Other ways to go on.
_NEXT: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "create_upload": {
        "create_job": {
            "requestBody": {
                "source": {"type": "upload", "upload_id": "$response.body#/id"}
            }
        }
    },
    "list_deliveries": {
        "replay_delivery": {
            "parameters": {
                "id": "$request.path.id",
                "delivery_id": "$response.body#/items/0/id",
            }
        }
    },
}


def add_links(paths: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Lead from what was made to all that can be done with it."""
    for item in paths.values():
        for operation in item.values():
            name, responses = operation["operationId"], operation["responses"]
            following = {**_NEXT.get(name, {})}
            if name in MADE_IN:
                following |= _below(paths, MADE_IN[name])
            for status in _CREATED & responses.keys() or {"200"} if following else ():
                responses[status]["links"] = {
                    other: {"operationId": other, **link}
                    for other, link in following.items()
                }


def _below(
    paths: Mapping[str, Mapping[str, Any]], collection: str
) -> Mapping[str, Mapping[str, Any]]:
    there = f"{collection}/{{id}}"
    return {
        operation["operationId"]: {"parameters": _ITS_ID}
        for path, item in paths.items()
        if path.startswith(there) and path.count("{") == 1
        for operation in item.values()
    }
