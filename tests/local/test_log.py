from pathlib import Path

from photo.entrypoints.local.log import ROTATE_BYTES, Log


def test_the_tail_is_of_this_run_alone_and_short(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_text("of yesterday\n")
    log = Log(file)
    with log.open() as output:
        output.write(b"".join(b"%d\n" % line for line in range(50)))
    assert log.tail().split() == [str(line) for line in range(30, 50)]


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    file.write_bytes(b"x" * (ROTATE_BYTES + 1))
    with Log(file).open() as output:
        output.write(b"new\n")
    assert file.read_bytes() == b"new\n"
    assert (tmp_path / "a.log.1").stat().st_size == ROTATE_BYTES + 1


def test_a_log_that_grows_long_is_bounded_while_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    log = Log(file)
    with log.open() as output:
        output.write(b"x" * (ROTATE_BYTES + 1))
        output.flush()
        log.bound()
        output.write(b"new\n")
    assert file.read_bytes() == b"new\n"
    assert log.tail() == "  new"
    aside = (tmp_path / "a.log.1").stat()
    assert (aside.st_size, aside.st_mode & 0o077) == (ROTATE_BYTES + 1, 0)
