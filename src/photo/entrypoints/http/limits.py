"""What requests cost, and how answers say what is left."""

from functools import cache

from photo.application.ports import Charge, Limit, Standing

#: The option of a route that costs more than is usual for its method.
COST = "cost"
LOOK, CHANGE = 1, 2
#: The option of a route that makes a job: while too many are being made, it is
#: refused before anything is done for it.
MAKES_JOB = "makes_job"


def limit_headers(charge: Charge) -> dict[str, str]:
    return {"RateLimit-Policy": _policies(charge), "RateLimit": _standings(charge)}


def _policies(charge: Charge) -> str:
    return ", ".join([_policy(standing.limit) for standing in charge.standings])


@cache
def _policy(limit: Limit) -> str:
    return f'"{limit.name}";q={limit.quota};w={limit.window_seconds}'


def _standings(charge: Charge) -> str:
    return ", ".join([_standing(standing) for standing in charge.standings])


def _standing(standing: Standing) -> str:
    name, left = standing.limit.name, standing.remaining
    return f'"{name}";r={left};t={standing.seconds_until_more}'
