"""The `photo` command. Each subcommand is imported when it is called."""

from importlib import import_module

import click

_COMMANDS = {
    "api": "serve",
    "demo": "up",
    "doctor": "doctor",
    "keys": "keys",
    "migrate": "migrate",
    "read": "read",
    "up": "up",
    "worker": "serve",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"{__name__}.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands)
@click.version_option(package_name="photo-api")
def main() -> None:
    """Photo API: turns photos into text, safely."""
