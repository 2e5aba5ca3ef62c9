import pytest

from photo.adapters.clamav import parse_clamd_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("tcp://127.0.0.1:3310", ("127.0.0.1", 3310)),
        ("tcp://clamav_1:65535", ("clamav_1", 65535)),
        (
            "tcp://clamd.photo-3.svc.cluster.local:1",
            ("clamd.photo-3.svc.cluster.local", 1),
        ),
        ("tcp://[::1]:3310", ("::1", 3310)),
        ("unix:/run/clamav/clamd.ctl", "/run/clamav/clamd.ctl"),
        ("unix:///run/clamav/clamd.ctl", "/run/clamav/clamd.ctl"),
    ],
)
def test_an_address_is_understood(url: str, address: object) -> None:
    assert parse_clamd_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hidden",
        "hidden:3310",
        "http://hidden:3310",
        "tcp:hidden:3310",
        "tcp://hidden",
        "tcp://hidden:",
        "tcp://hidden:0",
        "tcp://hidden:65536",
        "tcp://hidden:3310/path",
        "tcp://hidden:3310 ",
        "tcp://user:hidden@host:3310",
        "tcp://hidden..host:3310",
        f"tcp://{'hidden' * 11}:3310",
        "tcp://hidden:٣٣١٠",
        "tcp://:3310",
        "unix:",
        "unix:hidden",
        "unix:/",
        "unix:/hid\nden",
        "unix://hidden",
    ],
)
def test_anything_else_is_refused_without_a_quote(url: str) -> None:
    with pytest.raises(ValueError, match="must be tcp://host:3310 or unix:/path") as e:
        parse_clamd_url(url)
    assert "hidden" not in str(e.value)
    assert e.value.__cause__ is None
