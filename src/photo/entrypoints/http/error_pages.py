"""All errors explained: as a page of the service, and as `docs/errors.md`.

`python -m photo.entrypoints.http.error_pages > docs/errors.md` writes the latter.
"""

import re
import sys
from base64 import b64encode
from hashlib import sha256
from html import escape

from photo.entrypoints.http.catalogue import CATALOGUE, Entry
from photo.entrypoints.http.refusals import statuses

_TITLE = "Errors"
_INTRODUCTION = (
    "Every error is `application/problem+json` (RFC 9457). Rely on `code`: it is "
    "permanent. Show `detail` to people, and give the `request_id` to whoever runs the "
    "service. Where an error is retryable the same request may succeed later, after "
    "`Retry-After` seconds if that header is there."
)
_CODE = re.compile(r"`([^`]+)`")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;"
    "padding:0 1rem;color-scheme:light dark}"
    "h2{margin-bottom:0}:target{outline:2px solid;outline-offset:.3rem}"
)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest()).decode()
    + "'"
)


def as_markdown() -> str:
    sections = [
        f"## {entry.code}\n\n{_facts(entry)}\n\n{entry.means}\n{entry.remedy}\n"
        for entry in CATALOGUE.values()
    ]
    return "\n".join([f"# {_TITLE}\n\n{_INTRODUCTION}\n", *sections])


def as_html() -> str:
    sections = "".join(
        f'<section id="{entry.code}"><h2><a href="#{entry.code}">{entry.code}</a></h2>'
        f"<p><small>{escape(_facts(entry))}</small>"
        f"<p>{_marked(entry.means)} {_marked(entry.remedy)}</section>\n"
        for entry in CATALOGUE.values()
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Photo API: {_TITLE.lower()}</title>\n"
        f'<link rel="icon" href="data:,">\n<style>{_STYLE}</style>\n'
        f"<h1>{_TITLE}</h1>\n<p>{_marked(_INTRODUCTION)}\n{sections}</html>\n"
    )


def _facts(entry: Entry) -> str:
    numbers = ", ".join(map(str, statuses(entry)))
    again = "retryable" if entry.retryable else "not retryable"
    return f"{entry.title} · {numbers} · {again}"


def _marked(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


if __name__ == "__main__":
    sys.stdout.write(as_markdown())
