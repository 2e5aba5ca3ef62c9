"""Numbers in a file that others believe, and other numbers for them."""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Literal, NamedTuple

ByteOrder = Literal["big", "little"]

#: The numbers of a well-formed file of one format.
Fields = Callable[[bytes], Iterable["Field"]]


class Field(NamedTuple):
    name: str
    at: int
    size: int
    order: ByteOrder
    #: What it might hold as well, beside what is odd in any field.
    hints: tuple[int, ...] = ()

    def read(self, data: bytes) -> int:
        return int.from_bytes(data[self.at : self.at + self.size], self.order)

    def write(self, data: bytes, number: int) -> bytes:
        written = number.to_bytes(self.size, self.order)
        return data[: self.at] + written + data[self.at + self.size :]


def lied(rng: Random, data: bytes, fields: Iterable[Field]) -> bytes:
    """With some of its numbers untrue, each kind of field as likely as any other."""
    by_name: dict[str, list[Field]] = {}
    for field in fields:
        by_name.setdefault(field.name, []).append(field)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        field = rng.choice(by_name[rng.choice([*by_name])])
        data = field.write(data, _lie(rng, field, field.read(data)))
    return data


def _lie(rng: Random, field: Field, truth: int) -> int:
    top = 1 << 8 * field.size
    half = top >> 1
    odd = (0, 1, truth - 1, truth + 1, truth * 2, half - 1, half, top - 1)
    candidates = [number % top for number in (*odd, *field.hints, rng.randrange(top))]
    return rng.choice([number for number in candidates if number != truth])


def words(name: str, start: int, end: int, order: ByteOrder) -> Iterator[Field]:
    """Every two bytes of a stretch."""
    return (Field(name, at, 2, order) for at in range(start, end - 1, 2))
