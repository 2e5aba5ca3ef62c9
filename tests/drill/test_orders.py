"""What clients are to do: in shares, and the same for the same seed."""

from collections import Counter
from collections.abc import Sequence

from drill.ledger import Kind
from drill.orders import Order, Then, Way, orders


def plain(dealt: Sequence[Order]) -> list[tuple[object, ...]]:
    return [(each.kind, each.way, each.then, each.times) for each in dealt]


def test_every_kind_has_its_share() -> None:
    kinds = Counter(each.kind for each in orders(7, 0, 200, scanned=True))
    assert kinds == {
        Kind.GOOD: 142,
        Kind.UNWANTED: 6,
        Kind.CORRUPT: 20,
        Kind.INFECTED: 10,
        Kind.BOMB: 10,
        Kind.URL: 10,
        Kind.POISON: 2,
    }


def test_clients_behave_in_every_way() -> None:
    dealt = orders(7, 0, 200, scanned=True)
    ways = Counter(each.way for each in dealt)
    assert ways[Way.UPLOAD] > ways[Way.READ] > ways[Way.URL] == 10
    thens = Counter(each.then for each in dealt)
    assert thens[Then.FOLLOW] >= 45
    assert thens[Then.WAIT] >= 25
    assert thens[Then.CANCEL] == 6
    assert Counter(each.times > 1 for each in dealt)[True] == 10
    called_back = Counter(each.way for each in dealt if each.called_back)
    assert called_back[Way.UPLOAD] > called_back[Way.READ] == 0


def test_the_same_seed_deals_the_same() -> None:
    assert plain(orders(7, 0, 50, scanned=True)) == plain(
        orders(7, 0, 50, scanned=True)
    )
    assert plain(orders(7, 0, 50, scanned=True)) != plain(
        orders(8, 0, 50, scanned=True)
    )


def test_no_kind_is_too_rare_for_small_lots() -> None:
    lots = [orders(7, 10 * nth, 10, scanned=True) for nth in range(60)]
    assert {each.kind for lot in lots for each in lot} == {*Kind}


def test_numbers_go_on_where_the_last_ones_ended() -> None:
    numbers = [each.number for each in orders(7, 50, 50, scanned=True)]
    assert numbers == [*range(50, 100)]


def test_where_nothing_is_scanned_nothing_infected_is_sent() -> None:
    dealt = orders(7, 0, 100, scanned=False)
    assert Kind.INFECTED not in {each.kind for each in dealt}
    assert len(dealt) == 95
