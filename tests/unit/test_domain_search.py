import pytest

from photo.domain.errors import ValidationFailed
from photo.domain.search import Query, Term, index_words, words_in
from photo.domain.searchable import MAX_PIECES, Found, SearchableText
from photo.domain.text import Line, Page, Polygon, Word
from tests.makers import a_box, a_job, a_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        (" .,;—_*! ", ()),
        ("Grand TOTAL: 12.50 €", ("grand", "total", "12", "50")),
        ("e-mail foo@bar.com", ("e", "mail", "foo", "bar", "com")),
        ("Ångström İstanbul", ("angstrom", "istanbul")),
        ("Straße ﬁne ²", ("strasse", "fine", "2")),
        ("A\u0301gnes \u00c1gnes", ("agnes", "agnes")),
        ("東京 ラーメン", ("東", "京", "ラ", "ー", "メ", "ン")),
        ("ｶﾞｲﾄﾞ", ("ガ", "イ", "ド")),
        ("हिन्दी में", ("हिन्दी", "में")),
        ("한글 텍스트", ("한글", "텍스트")),
        ("مُحَمَّد", ("محمد",)),
        ("No.7東京A", ("no", "7", "東", "京", "a")),
        ("x" * 100, ("x" * 64,)),
    ],
)
def test_words_are_compared_without_case_accents_and_punctuation(
    text: str, words: tuple[str, ...]
) -> None:
    assert words_in(text) == words


def test_ideographs_are_found_one_by_one_and_in_pairs() -> None:
    assert index_words(words_in("7東京都")) == {"7", "東", "京", "都", "東京", "京都"}
    assert index_words(["東", "a", "京"]) == {"東", "a", "京"}


@pytest.mark.parametrize(
    ("query", "terms"),
    [
        ("Total", {Term(("total",))}),
        ("total TOTAL tótal", {Term(("total",))}),
        ('"Grand total" due', {Term(("grand", "total")), Term(("due",))}),
        ("12.50", {Term(("12", "50"))}),
        ("invo*", {Term(("invo",), is_prefix=True)}),
        ('"invo*"', {Term(("invo",))}),
        ('"never closed', {Term(("never",)), Term(("closed",))}),
        ("東京都", {Term(("東", "京", "都"))}),
        ("東京*", {Term(("東", "京"))}),
        ("no-invo*", {Term(("no", "invo"), is_prefix=True)}),
    ],
)
def test_a_query_is_read_as_people_mean_it(query: str, terms: set[Term]) -> None:
    assert {*Query.parse(query).terms} == terms


@pytest.mark.parametrize(
    "query", ["", " ", "*", '""', "—_—", "ab*", "a-bc*", " ".join(map(str, range(21)))]
)
def test_a_query_that_asks_for_nothing_or_for_too_much_is_refused(query: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        Query.parse(query)
    assert refused.value.pointer == "/q"


def test_a_query_is_looked_up_under_whole_words_and_pairs() -> None:
    query = Query.parse("東京都 total invo* 7")
    assert query.index_words == {"東京", "京都", "total", "7"}
    assert query.prefixes == {"invo"}


def searchable(*pages: tuple[str, ...]) -> SearchableText:
    return SearchableText.of(a_job(), a_text(*pages).pages)


def find(query: str, *pages: tuple[str, ...]) -> Found | None:
    return searchable(*pages).find(Query.parse(query))


@pytest.mark.parametrize(
    "query",
    [
        *("receipt", "TOTAL", "total receipt", '"grand total"', '"total 12"'),
        *("gran*", "12.50", '"12 50"', "receipt thanks", "rec* tha*"),
    ],
)
def test_a_text_is_found(query: str) -> None:
    found = find(query, ("My Receipt", "Grand Total", "12.50"), ("Thanks!",))
    assert found
    assert found.matches


@pytest.mark.parametrize(
    "query",
    ["invoice", "grand invoice", '"total grand"', "50.12", "gran", '"50 thanks"'],
)
def test_another_text_is_not_found(query: str) -> None:
    assert find(query, ("My Receipt", "Grand Total", "12.50"), ("Thanks!",)) is None


def test_text_without_spaces_is_found_anywhere_in_it() -> None:
    for query in ("東京", "京都", "東京都千代田区", "千", "東京 区"):
        assert find(query, ("住所東京都", "千代田区"))
    for query in ("都京", "東都", "京東"):
        assert find(query, ("住所東京都", "千代田区")) is None


def test_a_match_is_a_word_as_it_was_read_and_where_it_is() -> None:
    found = find("total thanks", ("My Receipt", "Grand Total:"), ("Many thanks",))
    assert found
    assert [(match.text, match.page) for match in found.matches] == [
        ("Total:", 1),
        ("thanks", 2),
    ]
    assert found.matches[0].polygon == a_box()
    assert found.snippet == "My Receipt Grand Total:"


def test_places_are_whole_pixels() -> None:
    box: Polygon = ((0.4, 1.6), (9.5, 1.4), (9.6, 8.2), (0.2, 8.9))
    line = Line("Hi you", 0.9, a_box(), (Word("Hi", 0.9, box), Word("you", 0.9, box)))
    text = SearchableText.of(a_job(), [Page(10, 10, (line,))])
    found = text.find(Query.parse("hi"))
    assert found
    assert found.matches[0].polygon == ((0, 2), (10, 1), (10, 8), (0, 9))


def test_a_line_whose_words_are_not_known_is_shown_whole() -> None:
    line = Line("Grand total", 0.9, a_box())
    text = SearchableText.of(a_job(), [Page(100, 100, (line,))])
    found = text.find(Query.parse("total"))
    assert found
    assert [match.text for match in found.matches] == ["Grand total"]


def test_a_snippet_begins_before_the_match_and_is_short() -> None:
    words = [f"word{number}" for number in range(500)]
    found = find("word250", (" ".join(words),))
    assert found
    assert found.snippet.startswith("… word24")
    assert found.snippet.endswith(" …")
    assert 180 < len(found.snippet) < 210
    assert len(find("word0", (" ".join(words),)).snippet) < 210  # type: ignore[union-attr] # it is found


def test_of_a_very_long_text_the_beginning_is_kept() -> None:
    pages = [
        Page(10, 10, tuple(Line(f"{page}x{n}", 1, a_box()) for n in range(6000)))
        for page in range(3)
    ]
    text = SearchableText.of(a_job(), pages)
    assert [len(page) for page in text.pages] == [6000, MAX_PIECES - 6000, 0]
    assert text.find(Query.parse("1x3999"))
    assert text.find(Query.parse("1x4000")) is None


def test_a_common_word_has_a_hundred_matches_at_most() -> None:
    found = find("the", ("the " * 150,))
    assert found
    assert len(found.matches) == 100
