"""What the API is measured against: `python -m bench.raw_servers raw|litestar PORT`."""

import sys
from typing import Any

import uvicorn
from litestar import Litestar, get
from litestar.params import FromPath

BODY = b'{"id":"job_01k0000000000000000000000a","status":"queued"}'


async def raw(scope: Any, _receive: Any, send: Any) -> None:
    """The least that answers: no router, no framework."""
    if scope["type"] != "http":
        return
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


@get("/v1/jobs/{id:str}")
async def job(id: FromPath[str]) -> dict[str, str]:
    return {"id": id, "status": "queued"}


def main(name: str, port: int) -> None:
    apps: dict[str, Any] = {
        "raw": raw,
        "litestar": Litestar([job], openapi_config=None),
    }
    uvicorn.run(
        apps[name],
        port=port,
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_config=None,
        lifespan="off",
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
