"""Every example of `docs/api.md`, run as a reader would: one after the other."""

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from photo.domain.webhook import DeliveryId, new_secret, show_secret, sign
from tests.e2e.conftest import PHOTO, Service
from tests.e2e.guide import PAGE, Example, examples, outputs

#: What the examples of a language take that no wheel brings.
TOOLS = {"bash": ("curl", "jq"), "python": (), "js": ()}
TEXT = "HARBOUR LANE GROCERS\n"
ID = "[0-9a-z]{26}"
CODE = "validation_failed"

#: For each example the heading that it stands under, and what it prints.
EXPECTED: Mapping[str, Sequence[tuple[str, str]]] = {
    "bash": [
        ("Get a key", '^{"items":'),
        ("Read a photo in one call", f"^{TEXT}"),
        ("Send a photo to the store", '"status":"arrived"'),
        ("Start the job", "^(queued|running)\n$"),
        ("Follow it", f"^succeeded\n{TEXT}"),
        ("Follow it", r'^retry: \d{4}\n\nevent: job\nid: 1\ndata: \{.*"succeeded"'),
        ("Fetch the text", f"^{TEXT}.*HARBOUR.* (1|0.9\\d*) \\[\\[.*manifest.json"),
        ("Find it again", f"^job_{ID}\n(.*\n)*HARBOUR LANE GROCERS"),
        ("Retry, cancel, erase", rf'^cancelled\njob_{ID}\n.*"day":'),
        ("Be told", rf"^\[\]\nwhk_{ID}\n$"),
        ("Meet an error", f"^{CODE}: limit: "),
        ("Credentials", rf"^pk_{ID} null\n"),
    ],
    "python": [
        ("Get a key", "^{'items':"),
        ("Read a photo in one call", f"^{TEXT}"),
        ("Read a photo in one call", f"^{TEXT}"),
        ("Send a photo to the store", "^arrived\n$"),
        ("Start the job", "^True true\n$"),
        ("Follow it", f"^succeeded {TEXT}"),
        ("Follow it", '^data: {.*"queued".*\n.*"succeeded"'),
        ("Fetch the text", rf"^{TEXT}.*\n\S.* (1.0|0.9\d*) \[\[.*\nmanifest.json \d+"),
        ("Find it again", r"^\['HARBOUR', 'LANE', 'GROCERS'"),
        ("Retry, cancel, erase", rf"^True\njob_{ID} \d\njob_{ID} \d\n$"),
        ("Be told", "^$"),
        ("Meet an error", rf"^422 {CODE} \[.*'/limit'.*\] False\n$"),
        ("Meet an error", r'^"key";r=\d+;t=\d+, "tenant";'),
    ],
    "js": [
        ("Get a key", r"^{\s+items: "),
        ("Read a photo in one call", f"^{TEXT}"),
        ("Send a photo to the store", "^arrived\n$"),
        ("Start the job", f"^job_{ID} (queued|running)\n$"),
        ("Follow it", f"^succeeded {TEXT}"),
        ("Follow it", r"^retry: \d{4}\n.*succeeded"),
        ("Fetch the text", rf"^{TEXT}.* (1|0.9\d*) \[.*'manifest.json'"),
        ("Find it again", rf"^job_{ID} \[ 'HARBOUR', 'LANE', 'GROCERS'"),
        ("Retry, cancel, erase", r"\[\s+'processed',\s+'[0-9a-f]{64}'\s+\]"),
        ("Be told", "^$"),
        ("Meet an error", "^401 unauthenticated req_\\w+ Bearer realm="),
    ],
}

#: What the reader does with `verified`: a message as it came, and one changed since.
VERIFY: Mapping[str, Sequence[str]] = {
    "python": [
        """
import json
secret, headers, body = json.loads(os.environ["MESSAGE"])
print(verified(secret, headers, body.encode()))
print(verified(secret, headers, body.encode() + b" "))
print(verified(secret, headers | {"webhook-timestamp": "1"}, body.encode()))
"""
    ],
    "js": [
        """
const [secret, headers, body] = JSON.parse(process.env.MESSAGE);
const old = { ...headers, "webhook-timestamp": "1" };
console.log(verified(secret, headers, Buffer.from(body)));
console.log(verified(secret, headers, Buffer.from(body + " ")));
console.log(verified(secret, old, Buffer.from(body)));
"""
    ],
}


def signed_message() -> str:
    secrets = (new_secret(), new_secret())
    body = '{"type": "job.succeeded"}'
    sent = DeliveryId("msg_1")
    headers = sign(secrets, sent, body.encode(), at=datetime.now(UTC))
    return json.dumps([show_secret(secrets[1]), headers, body])


@pytest.mark.parametrize("language", EXPECTED)
async def test_every_example_of_the_guide_does_what_it_says(
    service: Service, tmp_path: Path, language: str
) -> None:
    if missing := [tool for tool in TOOLS[language] if shutil.which(tool) is None]:
        assert os.environ.get("PHOTO_TEST_REQUIRE_ALL") != "1", missing
        pytest.skip(f"{' and '.join(missing)} are not installed")
    shown = examples(PAGE.read_text(), language)
    expected = EXPECTED[language]
    assert [example.section for example in shown] == [
        section for section, _ in expected
    ]
    photo = str(shutil.copy("samples/receipt.jpg", tmp_path))
    env = {
        **service.env,
        "PATH": f"{Path(PHOTO).parent}:{os.environ['PATH']}",
        "PHOTO_API_URL": service.url,
        "PHOTO_API_KEY": await service.admins_key(),
        "PHOTO": photo,
        "MESSAGE": signed_message(),
    }
    use = [Example("", language, code) for code in VERIFY.get(language, ())]
    printed = await outputs([*shown, *use], env=env, folder=tmp_path)
    for example, (_, pattern), out in zip(shown, expected, printed, strict=False):
        assert re.search(pattern, out, re.DOTALL), f"{example.code}\n{out}"
    for verdicts in printed[len(shown) :]:
        assert verdicts.lower() == "true\nfalse\nfalse\n"
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF-")


def test_no_example_is_left_out() -> None:
    languages = set(re.findall(r"^```(\w+)", PAGE.read_text(), re.MULTILINE))
    assert languages == {*EXPECTED, "json", "http"}
