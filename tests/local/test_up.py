"""`photo up` itself, among settings that are not its own."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
from dotenv import dotenv_values

from photo.entrypoints.local.ports import choose_ports

PHOTO = str(Path(sys.executable).with_name("photo"))
#: Neither proxies nor a `.env` for production are any business of the local stack's.
PROXIES = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:1"
)


async def test_up_keeps_to_itself_and_leaves_its_settings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ENVIRONMENT=production\nNONSENSE=1\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    port = choose_ports(["http"])["http"]
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        PHOTO,
        "up",
        f"--port={port}",
        cwd=tmp_path,
        env=env | PROXIES,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    try:
        said = b""
        while not said.endswith(b" ready\n") or b"http://" not in said:
            line = await asyncio.wait_for(process.stdout.readline(), 60)
            assert line, said.decode()
            said += line
        file = tmp_path / ".photo" / "env"
        assert file.stat().st_mode & 0o077 == 0
        settings = {k: v for k, v in dotenv_values(file).items() if v}
        listed = await asyncio.to_thread(
            subprocess.run,
            [PHOTO, "keys", "list"],
            cwd=elsewhere,
            env=env | settings,
            capture_output=True,
            text=True,
        )
        assert (listed.returncode, listed.stderr) == (0, "")
        assert listed.stdout.endswith("photo up\n")
        await shows_its_metrics(tmp_path, env, said.decode())
    finally:
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 0


async def shows_its_metrics(folder: Path, env: dict[str, str], said: str) -> None:
    """In a terminal of its own, and where it says that they are."""
    shown = await asyncio.to_thread(
        subprocess.run,
        [PHOTO, "top", "--once"],
        cwd=folder,
        env=env | PROXIES,
        capture_output=True,
        text=True,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("Photo API  2 processes")
    urls = re.findall(r"http://127\.0\.0\.1:\d+/metrics", said)
    assert len(urls) == 2
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        for url in urls:
            assert "temporal_" in (await client.get(url)).text
