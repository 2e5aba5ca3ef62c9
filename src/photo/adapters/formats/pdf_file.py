"""The frame of a PDF: numbered objects, and the table that tells where they are."""

import zlib
from itertools import count


class PdfFile:
    """Hands every piece out as soon as it is made, and remembers only its place."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._offsets: dict[int, int] = {}
        self._pending = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]
        self._length = len(self._pending[0])

    def number(self) -> int:
        """A number for an object that is yet to be written."""
        return next(self._numbers)

    def add(self, value: str, number: int | None = None) -> int:
        """Write an object; under its number, if others know it already."""
        number = number or self.number()
        self._write(number, value.encode())
        return number

    def add_stream(self, entries: str, data: bytes) -> int:
        number = self.number()
        head = f"<<{entries}/Length {len(data)}>>\nstream\n"
        self._write(number, head.encode(), data, b"\nendstream")
        return number

    def add_compressed(self, data: bytes) -> int:
        return self.add_stream("/Filter/FlateDecode", zlib.compress(data))

    def end(self, catalog: int) -> None:
        """Write the table; every number must have been used by now."""
        places = "".join(
            f"{self._offsets[number]:010} 00000 n \n"
            for number in range(1, len(self._offsets) + 1)
        )
        size = len(self._offsets) + 1
        self._append(
            f"xref\n0 {size}\n0000000000 65535 f \n{places}"
            f"trailer\n<</Size {size}/Root {catalog} 0 R>>\n"
            f"startxref\n{self._length}\n%%EOF\n".encode()
        )

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken = b"".join(self._pending)
        self._pending.clear()
        return taken

    def _write(self, number: int, *value: bytes) -> None:
        self._offsets[number] = self._length
        for piece in (b"%d 0 obj\n" % number, *value, b"\nendobj\n"):
            self._append(piece)

    def _append(self, data: bytes) -> None:
        self._pending.append(data)
        self._length += len(data)
