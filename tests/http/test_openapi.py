"""The OpenAPI document: sound, complete, and its examples true."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import validate

from photo.entrypoints.http.app import HttpConfig
from tests.http.conftest import Run
from tests.http.service import Service

Document = dict[str, Any]
ISSUER = "https://id.example/"
#: Of bytes there is nothing to show in JSON.
BINARY = ("application/pdf", "multipart/form-data", "image/")


@pytest.fixture
async def document(service: Service) -> Document:
    anyone = await service.anyone()
    document: Document = (await anyone.get("/openapi.json")).json()
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def contents(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Every body there is: where, of which type, and what is said of it."""
    told = ("webhook", "post", document["webhooks"]["job-ended"]["post"])
    for path, method, operation in [*operations(document), told]:
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for name, body in bodies.items():
            for media_type, content in body.get("content", {}).items():
                yield f"{method} {path} {name}", media_type, content


def test_the_document_is_openapi_as_its_specification_has_it(
    document: Document,
) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_everything_is_described(document: Document) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], f"{method} {path}"
        assert {*operation["tags"]} <= tags, path
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], f"{path} {parameter['name']}"


def test_every_body_has_examples_that_fit_their_schema(document: Document) -> None:
    for where, media_type, content in contents(document):
        if media_type.startswith(BINARY):
            continue
        shown = [each["value"] for each in content.get("examples", {}).values()]
        shown += [content["example"]] if "example" in content else []
        assert shown, f"{where} {media_type}"
        validator = OAS31Validator(
            {**content["schema"], "components": document["components"]},
            format_checker=oas31_format_checker,
        )
        for example in shown:
            assert not [*validator.iter_errors(example)], where


def test_every_operation_under_v1_says_what_its_answers_carry(
    document: Document,
) -> None:
    for path, method, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        responses = operation["responses"]
        assert {"400", "401", "403", "422", "429", "500", "503"} <= responses.keys()
        for status, response in responses.items():
            expected = {"X-Request-Id"}
            expected |= {"RateLimit", "RateLimit-Policy"} if status != "401" else set()
            expected |= {"Retry-After"} if status in {"429", "503"} else set()
            expected |= {"WWW-Authenticate"} if status in {"401", "403"} else set()
            assert expected <= response["headers"].keys(), f"{path} {status}"
        if method == "post":
            assert "Idempotency-Key" in {
                parameter["name"] for parameter in operation["parameters"]
            }
            assert "Idempotent-Replayed" in str(responses)
        [asked] = operation["security"]
        assert asked["bearer"], path


def test_every_link_leads_to_an_operation(document: Document) -> None:
    known = {operation["operationId"] for _, _, operation in operations(document)}
    links = {
        link["operationId"]
        for _, _, operation in operations(document)
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }
    assert {"get_job", "create_job", "get_upload", "replay_delivery"} <= links <= known


async def test_what_is_made_is_where_its_answer_says(api: httpx.AsyncClient) -> None:
    made = await api.post("/v1/uploads", json={"content_type": "image/jpeg"})
    there = await api.get(made.headers["Location"])
    assert there.json()["id"] == made.json()["id"]


async def test_an_identity_provider_is_named_where_there_is_one(run: Run) -> None:
    service = await run(config=HttpConfig(version="1", issuer=ISSUER))
    anyone = await service.anyone()
    document = (await anyone.get("/openapi.json")).json()
    validate(document)
    scheme = document["components"]["securitySchemes"]["oidc"]
    assert scheme["openIdConnectUrl"] == f"{ISSUER}.well-known/openid-configuration"
    asked = document["paths"]["/v1/jobs"]["post"]["security"]
    assert asked == [{"bearer": ["photos:write"]}, {"oidc": ["photos:write"]}]
