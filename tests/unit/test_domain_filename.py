from unicodedata import is_normalized

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.domain.characters import without_hidden
from photo.domain.filename import clean_filename, download_name, with_extension
from photo.domain.media import MediaType


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("receipt.jpg", "receipt.jpg"),
        ("IMG_0001.JPG", "IMG_0001.JPG"),
        ("Rechnung über 5 €; „März“ 📷.jpg", "Rechnung über 5 €; „März“ 📷.jpg"),
        ("क्‍ष 👩‍👩‍👧 ❤️ 葛\U000e0100.jpg", "क्‍ष 👩‍👩‍👧 ❤️ 葛\U000e0100.jpg"),
        ("u\u200b\u0308ber.jpg", "über.jpg"),
        ("A\u030angstro\u0308m \u212b.jpg", "Ångström Å.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\y.jpg", "y.jpg"),
        ("\\\\host\\share\\y.jpg", "y.jpg"),
        ("photos/", "photos"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("%0d%0a%2e%2e%2f.jpg", "%0d%0a%2e%2e%2f.jpg"),
        ("a\"b;c='d'.jpg", "a\"b;c='d'.jpg"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("inno\u200bcent\ufeff\u2066.jpg", "innocent.jpg"),
        ("a\0.jpg\0.exe", "a.jpg.exe"),
        ("\x1b]0;owned\x07\x1b[2J.jpg", "]0;owned[2J.jpg"),
        ("a\u2028b\u2029c\x85d\x9b.jpg", "abcd.jpg"),
        ("a\ud800\udfffb.jpg", "ab.jpg"),
        ("photo.jpg" + " " * 200 + ".exe", "photo.jpg .exe"),
        ("\u00a0 \u3000a\u2003b.jpg \u2003", "a b.jpg"),
        (".htaccess", "htaccess"),
        ("...jpg", "jpg"),
        ("photo.jpg. . .", "photo.jpg"),
        ("CON", "_CON"),
        ("nul.jpg", "_nul.jpg"),
        ("com1 .jpg", "_com1 .jpg"),
        ("console.jpg", "console.jpg"),
        ("~/.ssh/id_rsa", "id_rsa"),
        ("${jndi:ldap://x/a}", "a}"),
        ("=cmd|' /C calc'!A0", "C calc'!A0"),
    ],
)
def test_a_name_is_cleaned(name: str, clean: str) -> None:
    assert clean_filename(name) == clean


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u3000\t", ".", "..", "/", "\\", "a/..", "\0", "\u202e", "\ud800"],
)
def test_a_name_of_nothing_is_none(name: str) -> None:
    assert clean_filename(name) is None


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a" * 10_000 + ".jpeg", "a" * 250 + ".jpeg"),
        ("📷" * 100 + ".jpg", "📷" * 62 + ".jpg"),
        ("é" * 200, "é" * 127),
        ("a." + "b" * 300, "a." + "b" * 253),
        ("x" * 248 + " . " + "y" * 9 + ".jpg", "x" * 248 + ".jpg"),
    ],
)
def test_a_long_name_is_cut_before_its_extension(name: str, clean: str) -> None:
    assert clean_filename(name) == clean


@given(
    st.text(st.characters() | st.sampled_from("./\\ \0\u202e\ud800con"), max_size=400)
)
def test_any_name_becomes_clean_and_stays_so(name: str) -> None:
    clean = clean_filename(name)
    if clean is None:
        return
    assert 0 < len(clean.encode()) <= 255
    assert not {"/", "\\"} & {*clean}
    assert clean == without_hidden(clean) == clean.strip(". ")
    assert is_normalized("NFC", clean)
    assert clean_filename(clean) == clean


@pytest.mark.parametrize(
    ("filename", "media_type", "name"),
    [
        ("receipt.jpg", MediaType.JPEG, "receipt.jpg"),
        ("RECEIPT.JPEG", MediaType.JPEG, "RECEIPT.JPEG"),
        ("iphone.heif", MediaType.HEIC, "iphone.heif"),
        ("scan.tiff", MediaType.TIFF, "scan.tiff"),
        ("receipt.png", MediaType.JPEG, "receipt.jpg"),
        ("photo\u202egpj.exe", MediaType.JPEG, "photogpj.exe.jpg"),
        ("page.html", MediaType.PNG, "page.html.png"),
        ("Rechnung 12.2024", MediaType.WEBP, "Rechnung 12.2024.webp"),
        ("jpg", MediaType.JPEG, "jpg.jpg"),
        ("../..", MediaType.GIF, "job_1.gif"),
        (None, MediaType.BMP, "job_1.bmp"),
        ("📷" * 100, MediaType.AVIF, "📷" * 62 + ".avif"),
        ("a" * 300 + ".exe", MediaType.HEIC, "a" * 250 + ".heic"),
    ],
)
def test_a_download_is_named_after_the_file_and_its_true_type(
    filename: str | None, media_type: MediaType, name: str
) -> None:
    assert download_name(filename, media_type, "job_1") == name


@given(st.text(), st.sampled_from(MediaType))
def test_a_downloads_name_is_clean(filename: str, media_type: MediaType) -> None:
    name = download_name(filename, media_type, "job_1")
    assert clean_filename(name) == name
    assert download_name(name, media_type, "") == name


def test_an_extension_always_finds_room() -> None:
    assert with_extension("b" * 255, "json") == "b" * 250 + ".json"
    assert with_extension("photo", "txt") == "photo.txt"
