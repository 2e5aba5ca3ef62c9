"""The `photo` command. A subcommand's module is imported when it is called."""

from importlib import import_module
from typing import NamedTuple

import click


class _Lazy(NamedTuple):
    module: str
    help: str


_COMMANDS = {
    "api": _Lazy("serve", "Serve the HTTP API."),
    "demo": _Lazy("up", "Do as `up` does, and read a folder's photos."),
    "doctor": _Lazy("doctor", "Check the settings and every dependency."),
    "infected": _Lazy("infected", "List and forget files that were found infected."),
    "inspect": _Lazy("inspect", "Show all there is to know of a job."),
    "keys": _Lazy("keys", "Create, list and revoke API keys."),
    "migrate": _Lazy("migrate", "Bring the database to the newest revision."),
    "read": _Lazy("read", "Read photos and print their text."),
    "top": _Lazy("top", "Show live what the service does, from its metrics."),
    "up": _Lazy("up", "Run the whole service on this machine."),
    "worker": _Lazy("serve", "Work on jobs."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return [*_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"{__name__}.{_COMMANDS[cmd_name].module}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing them: that would take seconds."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in _COMMANDS.items()])


@click.group(cls=_Commands)
@click.version_option(package_name="photo-api")
def main() -> None:
    """Photo API: turns photos into text, safely."""
