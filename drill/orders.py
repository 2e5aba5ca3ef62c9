"""What is to be sent to the service, in which way, and what its client does then."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import accumulate
from random import Random

from drill.ledger import Kind


class Way(Enum):
    #: A form for the store, then the job.
    UPLOAD = auto()
    #: Photo and job in one call.
    READ = auto()
    #: The service fetches the photo.
    URL = auto()


class Then(Enum):
    #: The client follows its job's events to the last one.
    FOLLOW = auto()
    #: It waits for the end, and asks for the text.
    WAIT = auto()
    CANCEL = auto()
    LEAVE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    number: int
    kind: Kind
    way: Way
    then: Then
    #: How often the request for the job is sent at once.
    times: int
    #: Whether the job has a webhook of its own.
    called_back: bool
    #: For whatever else is left to it.
    chance: Random


#: Of a hundred.
_SHARES: Mapping[Kind, int] = {
    Kind.GOOD: 71,
    Kind.UNWANTED: 3,
    Kind.CORRUPT: 10,
    Kind.INFECTED: 5,
    Kind.BOMB: 5,
    Kind.URL: 5,
    Kind.POISON: 1,
}
_READ_SHARE = 0.35
#: Every so many are followed, waited for, sent several times at once, called back.
_FOLLOWED, _AWAITED, _REPEATED, _CALLED_BACK = 4, 5, 20, 7
_MOST_TIMES = 6


def orders(seed: int, first: int, jobs: int, *, scanned: bool) -> Sequence[Order]:
    """Each kind has its share, be it by chance, in an order that chance makes.

    Where nothing is scanned nothing infected is sent: it would succeed.
    """
    chance = Random(f"orders {seed} {first}")
    ends, kinds = [*accumulate(_SHARES.values())], [*_SHARES]
    places = [100 * (nth + chance.random()) / jobs for nth in range(jobs)]
    dealt = [kinds[bisect_right(ends, place)] for place in places]
    chance.shuffle(dealt)
    return [
        _order(first + nth, kind, Random(f"order {seed} {first + nth}"))
        for nth, kind in enumerate(dealt)
        if scanned or kind is not Kind.INFECTED
    ]


def _order(number: int, kind: Kind, chance: Random) -> Order:
    is_read = chance.random() < _READ_SHARE
    way = Way.URL if kind is Kind.URL else Way.READ if is_read else Way.UPLOAD
    return Order(
        number=number,
        kind=kind,
        way=way,
        then=_then(number, kind),
        times=chance.randint(2, _MOST_TIMES) if number % _REPEATED == 0 else 1,
        called_back=way is not Way.READ and number % _CALLED_BACK == 0,
        chance=chance,
    )


def _then(number: int, kind: Kind) -> Then:
    if kind is Kind.UNWANTED:
        return Then.CANCEL
    if number % _FOLLOWED == 0:
        return Then.FOLLOW
    return Then.WAIT if number % _AWAITED == 0 else Then.LEAVE
