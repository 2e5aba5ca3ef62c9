import re
from typing import Any

import httpx
import pytest

from photo.domain.formats import Format
from tests.http.service import Service


@pytest.fixture
async def document(service: Service) -> dict[str, Any]:
    answer = await (await service.anyone()).get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
async def anyone(service: Service) -> httpx.AsyncClient:
    return await service.anyone()


async def test_the_page_takes_everything_from_the_service_itself(
    anyone: httpx.AsyncClient,
) -> None:
    page = await anyone.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "'unsafe-inline'" not in _directive(page, "script-src")
    assert "://" not in page.text
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(files) == 3
    for file in files:
        answer = await anyone.get(file)
        assert answer.status_code == 200
        kind = "text/css" if file.endswith("css") else "text/javascript"
        assert answer.headers["Content-Type"].startswith(kind)


@pytest.mark.parametrize(
    "name", ["index.html", "swagger-ui.js", "..%2f__init__.py", "..", "%00"]
)
async def test_no_other_file_is_served(anyone: httpx.AsyncClient, name: str) -> None:
    assert (await anyone.get(f"/docs/{name}")).status_code in {404, 400}


def _directive(answer: httpx.Response, name: str) -> str:
    policy = answer.headers["Content-Security-Policy"].split(";")
    return next(each for each in policy if each.strip().startswith(name))


async def test_the_document_names_its_version(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.2.3"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


async def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = str(document)
    schemas = document["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/([\w.]+)", text))
    assert references <= schemas.keys()


async def test_every_operation_is_described(document: dict[str, Any]) -> None:
    operations = [
        operation
        for path, item in document["paths"].items()
        if path.startswith("/v1/")
        for operation in item.values()
    ]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for operation in operations:
        assert " " in operation["summary"]
        problems = {
            status: response
            for status, response in operation["responses"].items()
            if int(status) >= 400
        }
        assert {"400", "401", "403", "422", "503"} <= problems.keys()
        for response in problems.values():
            [(media_type, content)] = response["content"].items()
            assert media_type == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for example in content["examples"].values():
                assert f"`{example['value']['code']}`" in response["description"]


async def test_limits_are_in_the_document(document: dict[str, Any]) -> None:
    [limit] = [
        parameter["schema"]
        for parameter in document["paths"]["/v1/jobs"]["get"]["parameters"]
        if parameter["name"] == "limit"
    ]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 200, 50)


async def test_reading_takes_every_type_and_a_form(document: dict[str, Any]) -> None:
    read = document["paths"]["/v1/read"]["post"]
    assert {"image/jpeg", "image/heic", "multipart/form-data"} <= read["requestBody"][
        "content"
    ].keys()
    assert "202" in read["responses"]


@pytest.mark.parametrize(
    ("path", "method"), [("/v1/read", "post"), ("/v1/jobs/{id}/result", "get")]
)
async def test_a_result_is_documented_in_every_form(
    document: dict[str, Any], path: str, method: str
) -> None:
    answer = document["paths"][path][method]["responses"]["200"]
    assert answer["content"].keys() == {form.media_type for form in Format}
