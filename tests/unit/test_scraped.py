"""What is made of the numbers that processes tell."""

from math import inf

import pytest

from photo.entrypoints.scraped import Between, Scrape, parsed, quantile

COUNTER = 'photo_jobs_ended_total{{status="{}"}} {}\n'


def scrape(at: float, **processes: str) -> Scrape:
    return Scrape(at, {url: parsed(text) for url, text in processes.items()})


def ended(succeeded: float, failed: float) -> str:
    return COUNTER.format("succeeded", succeeded) + COUNTER.format("failed", failed)


def test_what_every_process_tells_of_the_whole_service_is_not_added_up() -> None:
    now = scrape(0, a='x{step="scan"} 3\n', b='x{step="scan"} 4\nx{step="fetch"} 1\n')
    assert now.greatest("x", "step") == {("scan",): 4, ("fetch",): 1}


def test_what_processes_tell_of_themselves_is_added_up() -> None:
    now = scrape(0, a=ended(3, 1), b=ended(4, 0))
    assert now.total("photo_jobs_ended_total") == {(): 8}
    assert now.total("photo_jobs_ended_total", "status")["succeeded",] == 7


def test_the_youngest_are_those_within_a_bound_or_else_the_best_there_is() -> None:
    now = scrape(0, a="age 3\n", b="age 8\n", c="age 90\n", d="x 1\n")
    assert now.youngest("age", 10).processes.keys() == {"a", "b"}
    assert now.youngest("age", 1).processes.keys() == {"a"}
    assert now.youngest("z", 1).processes == {}


def test_a_part_is_what_has_a_label_that_begins_so() -> None:
    text = 'x{route="/v1/a"} 1\nx{route="/v1/b"} 2\nx{route="/a"} 4\nx 8\n'
    window = Between(scrape(0, a="y 1\n"), scrape(1, a=text))
    assert window.where("route", "/v1/").increases("x") == {(): 3}


def test_what_is_no_number_is_not_told() -> None:
    assert scrape(0, a="x NaN\n").values("x") == {}


def test_what_is_no_metric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"(?i)invalid|could not|no value"):
        parsed("<!doctype html><title>{</title>\n")


def test_a_rate_is_the_increase_by_the_time_between() -> None:
    window = Between(scrape(10, a=ended(3, 0)), scrape(30, a=ended(13, 1)))
    assert window.rates("photo_jobs_ended_total", "status") == {
        ("succeeded",): 0.5,
        ("failed",): 0.05,
    }


def test_a_counter_that_begins_anew_has_grown_by_what_it_says() -> None:
    window = Between(scrape(0, a=ended(100, 5)), scrape(1, a=ended(2, 0)))
    assert window.increases("photo_jobs_ended_total") == {(): 2}


def test_a_label_that_comes_later_has_grown_from_nothing() -> None:
    window = Between(scrape(0, a="y 1\n"), scrape(1, a=ended(2, 0)))
    assert window.increases("photo_jobs_ended_total") == {(): 2}


def test_a_process_that_was_not_there_before_tells_nothing_of_the_time_between() -> (
    None
):
    window = Between(scrape(0, a=ended(1, 0)), scrape(1, a=ended(1, 0), b=ended(9, 0)))
    assert window.increases("photo_jobs_ended_total") == {(): 0}


def test_no_time_has_no_rate() -> None:
    same = scrape(0, a=ended(1, 0))
    assert Between(same, same).rates("photo_jobs_ended_total") == {}


def buckets(step: str, *counts: int) -> str:
    bounds = ("1.0", "2.0", "+Inf")
    return "".join(
        f'd_bucket{{step="{step}",le="{bound}"}} {count}\n'
        for bound, count in zip(bounds, counts, strict=True)
    )


def test_quantiles_are_of_what_came_between_in_all_processes() -> None:
    before = scrape(0, a=buckets("scan", 90, 90, 90), b=buckets("scan", 0, 0, 0))
    after = scrape(1, a=buckets("scan", 90, 91, 91), b=buckets("scan", 3, 3, 3))
    window = Between(before, after)
    assert window.quantiles(0.5, "d", "step") == {("scan",): pytest.approx(2 / 3)}
    assert window.quantiles(1, "d", "step") == {("scan",): 2}


def test_where_nothing_came_there_are_no_quantiles() -> None:
    same = scrape(0, a=buckets("scan", 9, 9, 9))
    assert Between(same, same).quantiles(0.5, "d", "step") == {}


@pytest.mark.parametrize(
    ("q", "expected"), [(0.25, 0.5), (0.5, 1), (0.75, 2), (1, 3), (0, 0)]
)
def test_a_quantile_lies_on_a_line_between_the_bounds(
    q: float, expected: float
) -> None:
    assert quantile(q, {1: 2, 3: 4, inf: 4}) == expected


def test_beyond_the_last_bound_a_quantile_is_that_bound() -> None:
    assert quantile(0.99, {1: 1, 3: 2, inf: 4}) == 3


def test_an_empty_bucket_holds_no_quantile() -> None:
    assert quantile(0.5, {1: 0, 2: 0, 4: 2, inf: 2}) == 3


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile(0.5, {1: 0, inf: 0})
