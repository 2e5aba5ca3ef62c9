"""`photo keys`: who may use the service."""

import re
from datetime import datetime, timedelta

import click

from photo.application.audit import operator
from photo.application.keys import LONGEST_LIFE, CreateKey, RevokeKey
from photo.application.ports import KeyRepository
from photo.domain.access import ApiKey, KeyId, Scope, Tenant, is_tenant
from photo.domain.characters import visible
from photo.entrypoints.live import live_container
from photo.entrypoints.settings import Settings
from photo.entrypoints.start import run

_LIFETIME = re.compile(r"[0-9]{1,6}[hdw]")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class _Lifetime(click.ParamType[timedelta]):
    name = "90d"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if not _LIFETIME.fullmatch(value):
            self.fail("a lifetime looks like 12h, 90d or 52w", param, ctx)
        lifetime = int(value[:-1]) * _UNITS[value[-1]]
        if not timedelta() < lifetime <= LONGEST_LIFE:
            self.fail(f"a lifetime is at most {LONGEST_LIFE.days} days", param, ctx)
        return lifetime


def _tenant(_ctx: click.Context, _param: click.Parameter, value: str) -> Tenant:
    if not is_tenant(value):
        raise click.BadParameter("up to 63 lower-case letters, digits and hyphens")
    return Tenant(value)


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([str(scope) for scope in Scope]),
    default=(str(Scope.WRITE), str(Scope.READ)),
    show_default=True,
)
@click.option("--expires", "lifetime", type=_Lifetime(), help="Such as 90d.")
@click.option("--tenant", default="default", callback=_tenant, show_default=True)
def create(
    name: str, scopes: tuple[str, ...], lifetime: timedelta | None, tenant: Tenant
) -> None:
    """Create a key and show its secret, this once."""

    async def main(settings: Settings) -> None:
        async with live_container(settings) as container:
            create_key = await container.get(CreateKey)
            key, shown = await create_key(
                operator(tenant),
                name=name,
                scopes=frozenset(map(Scope, scopes)),
                expires=lifetime,
            )
        click.echo(f"{key.id} ({name}): this secret is shown only now", err=True)
        click.echo(shown)

    run(main)


@keys.command(name="list")
def list_() -> None:
    """List every key, newest first."""

    async def main(settings: Settings) -> None:
        async with live_container(settings) as container:
            for key in await (await container.get(KeyRepository)).all():
                click.echo(_line(key))

    run(main)


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Make a key useless from now on."""

    async def main(settings: Settings) -> None:
        async with live_container(settings) as container:
            key = await (await container.get(KeyRepository)).get(KeyId(key_id))
            revoke_key = await container.get(RevokeKey)
            await revoke_key(operator(key.tenant), key.id)
        click.echo(f"{key_id} is revoked.")

    run(main)


def _line(key: ApiKey) -> str:
    return "  ".join(
        [
            key.id,
            "revoked" if key.revoked_at else "active",
            f"tenant={key.tenant}",
            f"scopes={','.join(sorted(key.scopes))}",
            f"expires={_moment(key.expires_at)}",
            f"last-used={_moment(key.last_used_at)}",
            visible(key.name),
        ]
    )


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else "never"
