from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.domain.addresses import WebPolicy, WebUrl
from photo.domain.errors import UrlRefused
from tests.hostile_urls import PUBLIC_ADDRESSES, REFUSED_ADDRESSES, REFUSED_URLS

DEFAULT = WebPolicy()
INTRANET = WebPolicy(
    allow_http=True,
    networks=(ip_network("10.1.0.0/16"), ip_network("169.254.0.0/16")),
)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused) as refusal:
        DEFAULT.check(url)
    assert str(refusal.value).endswith(".")
    assert "127" not in str(refusal.value)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(UrlRefused, match="not public"):
        DEFAULT.check_address(ip_address(address), port=443)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_allowed_on_the_webs_ports(address: str) -> None:
    DEFAULT.check_address(ip_address(address), port=443)
    DEFAULT.check_address(ip_address(address), port=80)
    with pytest.raises(UrlRefused, match="ports"):
        DEFAULT.check_address(ip_address(address), port=25)


@given(st.ip_addresses())
def test_nothing_is_allowed_that_python_calls_not_global(
    address: IPv4Address | IPv6Address,
) -> None:
    if not address.is_global:
        with pytest.raises(UrlRefused):
            DEFAULT.check_address(address, port=443)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:", "::", "64:ff9b::"]))
def test_an_ipv4_address_in_disguise_is_refused(
    address: IPv4Address, prefix: str
) -> None:
    with pytest.raises(UrlRefused):
        DEFAULT.check(f"https://[{prefix}{address}]/")


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://example.com", ("https", "example.com", 443, "/")),
        ("https://example.com?a=b", ("https", "example.com", 443, "/?a=b")),
        ("HTTPS://Example.COM/A", ("https", "example.com", 443, "/A")),
        ("https://example.com:443/", ("https", "example.com", 443, "/")),
        ("https://example.com:80/", ("https", "example.com", 80, "/")),
        (
            "https://a.example/b?c=d/e@f:g#h?i",
            ("https", "a.example", 443, "/b?c=d/e@f:g"),
        ),
        (
            "https://xn--mller-kva.example/",
            ("https", "xn--mller-kva.example", 443, "/"),
        ),
        ("https://my_bucket.s3.example/", ("https", "my_bucket.s3.example", 443, "/")),
        (
            "https://127.0.0.1.nip.example/",
            ("https", "127.0.0.1.nip.example", 443, "/"),
        ),
        ("https://1e100.net/", ("https", "1e100.net", 443, "/")),
        (
            "https://example.com/..//%2e%2e/",
            ("https", "example.com", 443, "/..//%2e%2e/"),
        ),
        ("https://1.1.1.1/", ("https", IPv4Address("1.1.1.1"), 443, "/")),
        (
            "https://[2606:4700:0::1111]/a",
            ("https", IPv6Address("2606:4700::1111"), 443, "/a"),
        ),
    ],
)
def test_a_url_is_taken_apart_once(url: str, parts: tuple[object, ...]) -> None:
    assert DEFAULT.check(url) == parts


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://example.com/", "example.com"),
        ("https://example.com:443/", "example.com"),
        ("https://example.com:80/", "example.com:80"),
        ("http://example.com:80/", "example.com"),
        ("http://1.1.1.1:443/", "1.1.1.1:443"),
        ("https://[2606:4700:0::1]/", "[2606:4700::1]"),
        ("https://[2606:4700:0::1]:80/", "[2606:4700::1]:80"),
    ],
)
def test_a_host_header_names_a_port_that_is_not_the_schemes(
    url: str, authority: str
) -> None:
    assert WebPolicy(allow_http=True).check(url).authority == authority


def test_a_refusal_says_that_the_password_is_to_go() -> None:
    with pytest.raises(UrlRefused, match="user name") as refusal:
        DEFAULT.check("https://someone:hunter2@example.com/")
    assert "hunter2" not in str(refusal.value)


def test_http_is_allowed_by_option() -> None:
    assert WebPolicy(allow_http=True).check("http://example.com/").port == 80


def test_a_refusal_names_the_schemes_that_are_allowed() -> None:
    with pytest.raises(UrlRefused, match="https:// or http://"):
        INTRANET.check("ftp://example.com/")


def test_an_exception_is_allowed_on_any_port() -> None:
    INTRANET.check_address(ip_address("10.1.2.3"), port=9000)
    INTRANET.check("http://10.1.2.3:9000/")


@pytest.mark.parametrize("port", [0, 65536, 99999])
@pytest.mark.parametrize("host", ["10.1.2.3", "nas.corp.internal"])
def test_a_port_that_cannot_be_is_no_exception(host: str, port: int) -> None:
    INTRANET.check(f"http://{host}:65535/")
    with pytest.raises(UrlRefused):
        INTRANET.check(f"http://{host}:{port}/")


@pytest.mark.parametrize("address", ["10.0.255.255", "10.2.0.0", "127.0.0.1", "::1"])
def test_an_exception_allows_nothing_beside_it(address: str) -> None:
    with pytest.raises(UrlRefused, match="not public"):
        INTRANET.check_address(ip_address(address), port=443)


def test_public_addresses_keep_their_ports_beside_an_exception() -> None:
    INTRANET.check_address(ip_address("1.1.1.1"), port=443)
    with pytest.raises(UrlRefused, match="ports"):
        INTRANET.check_address(ip_address("1.1.1.1"), port=9000)


@pytest.mark.parametrize(
    "url",
    ["http://nas.corp.internal:9000/", "http://nas/", "https://example.com:8443/"],
)
def test_with_exceptions_names_and_ports_are_judged_by_the_address(url: str) -> None:
    assert str(INTRANET.check(url)) == url
    with pytest.raises(UrlRefused):
        WebPolicy(allow_http=True).check(url)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.170.2", "::ffff:10.1.2.3", "64:ff9b::a01:203", "::1"],
)
def test_no_exception_covers_metadata_and_disguises(address: str) -> None:
    everything = WebPolicy(networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    for policy in (INTRANET, everything):
        with pytest.raises(UrlRefused, match="not public"):
            policy.check_address(ip_address(address), port=80)


HERE = WebUrl("https", "a.example", 443, "/photos/1.jpg?size=l")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("2.jpg", "https://a.example/photos/2.jpg"),
        ("/2.jpg", "https://a.example/2.jpg"),
        ("?size=s", "https://a.example/photos/1.jpg?size=s"),
        ("//b.example/", "https://b.example/"),
        ("https://b.example/#top", "https://b.example/"),
    ],
)
def test_a_redirect_is_relative_to_where_it_came_from(location: str, url: str) -> None:
    assert str(DEFAULT.follow(HERE, location)) == url


@pytest.mark.parametrize(
    "location",
    [
        "http://a.example/",
        "//127.0.0.1/",
        "//[::1]/",
        "//[::1",
        "//2130706433/",
        "//user@a.example/",
        "\\\\127.0.0.1\\",
        "https://b.example:22/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "/a b",
        "/ü",
        "/\t",
        "https://b.exa\tmple/",
        "/" + "a" * 2_000,
    ],
)
def test_a_redirect_is_checked_like_any_url(location: str) -> None:
    with pytest.raises(UrlRefused):
        DEFAULT.follow(HERE, location)


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://example.com{text}"):
        try:
            parts = DEFAULT.check(url)
        except UrlRefused:
            continue
        assert DEFAULT.check(str(parts)) == parts
