"""Damage without knowledge of the format: what disks, networks and fuzzers do."""

from collections.abc import Callable, Mapping
from random import Random

from hostile.photos import good_photos

Mutation = Callable[[Random, bytes], bytes]

_HEAD = 256


def truncated(rng: Random, data: bytes) -> bytes:
    """Somewhere, or within the headers, or just before the end."""
    last = len(data) - 1
    end = rng.choice((last, min(_HEAD, last), last))
    start = rng.choice((1, 1, max(1, end - 16)))
    return data[: rng.randint(start, end)]


def flipped(rng: Random, data: bytes) -> bytes:
    return _flipped(rng, data, bits=rng.randint(1, 8), within=len(data))


def flipped_all_over(rng: Random, data: bytes) -> bytes:
    bits = max(8, int(len(data) * rng.uniform(0.001, 0.05)))
    return _flipped(rng, data, bits=bits, within=len(data))


def flipped_at_the_head(rng: Random, data: bytes) -> bytes:
    return _flipped(rng, data, bits=rng.randint(1, 16), within=_HEAD)


def cut(rng: Random, data: bytes) -> bytes:
    start, end = _range(rng, data)
    return data[:start] + data[end:] or data[:1]


def repeated(rng: Random, data: bytes) -> bytes:
    start, end = _range(rng, data)
    return data[:end] + data[start:end] * rng.randint(1, 3) + data[end:]


def shuffled(rng: Random, data: bytes) -> bytes:
    size = rng.choice((64, 256, 1024))
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    some = rng.sample(range(len(blocks)), min(len(blocks), rng.randint(2, 8)))
    for one, other in zip(some, [*some[1:], some[0]], strict=True):
        blocks[one], blocks[other] = blocks[other], blocks[one]
    return b"".join(blocks)


def erased(rng: Random, data: bytes) -> bytes:
    start, end = _range(rng, data)
    return data[:start] + rng.choice((b"\0", b"\xff")) * (end - start) + data[end:]


def spliced(rng: Random, data: bytes) -> bytes:
    """The head of one photo and the tail of another."""
    other = rng.choice(good_photos()).content
    return data[: rng.randint(8, len(data))] + other[rng.randrange(len(other)) :]


MUTATIONS: Mapping[str, Mutation] = {
    "truncated": truncated,
    "flipped": flipped,
    "flipped-all-over": flipped_all_over,
    "flipped-head": flipped_at_the_head,
    "cut": cut,
    "repeated": repeated,
    "shuffled": shuffled,
    "erased": erased,
    "spliced": spliced,
}


def _flipped(rng: Random, data: bytes, *, bits: int, within: int) -> bytes:
    damaged = bytearray(data)
    for _ in range(bits):
        damaged[rng.randrange(min(within, len(data)))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _range(rng: Random, data: bytes) -> tuple[int, int]:
    start = rng.randrange(len(data))
    longest = rng.choice((4, 64, len(data)))
    return start, min(len(data), start + rng.randint(1, longest))
