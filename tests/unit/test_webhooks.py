"""What a webhook and a delivery are, and what attempts make of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from photo.domain.webhook import (
    DISABLE_AFTER,
    MAX_ATTEMPTS,
    MAX_SECRETS,
    OVERLAP,
    PATIENCE,
    Attempt,
    Delivery,
    DeliveryId,
    DeliveryStatus,
    Webhook,
    new_secret,
    show_secret,
    sign,
)
from tests.makers import NOW, a_delivery, a_job, a_webhook

BODY = '{"type":"job.succeeded","data":"é"}'.encode()
MESSAGE = DeliveryId("msg_1")
A_SECOND = timedelta(seconds=1)
A_MINUTE = timedelta(minutes=1)


def failing(at: datetime = NOW, status_code: int = 500) -> Attempt:
    return Attempt(at=at, duration_ms=0, status_code=status_code)


def accepted(at: datetime = NOW) -> Attempt:
    return Attempt(at=at, duration_ms=0, status_code=204)


@pytest.fixture
def delivery() -> Delivery:
    return a_delivery(a_webhook(), a_job())


@pytest.mark.parametrize("count", [1, 2])
def test_the_reference_library_verifies_every_valid_secret(count: int) -> None:
    secrets = tuple(new_secret() for _ in range(count))
    headers = dict(sign(secrets, MESSAGE, BODY, at=datetime.now(UTC)))
    assert len(headers["webhook-signature"].split(" ")) == count
    for secret in secrets:
        assert Verifier(show_secret(secret)).verify(BODY, headers)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, BODY + b" "),
        ({"webhook-id": "msg_2"}, BODY),
        ({"webhook-timestamp": str(int(datetime.now(UTC).timestamp()) - 5)}, BODY),
        ({"webhook-signature": "v1,AAAA"}, BODY),
    ],
)
def test_the_reference_library_refuses_what_was_changed(
    headers: dict[str, str], body: bytes
) -> None:
    secret = new_secret()
    signed = sign((secret,), MESSAGE, BODY, at=datetime.now(UTC))
    with pytest.raises(WebhookVerificationError):
        Verifier(show_secret(secret)).verify(body, {**signed, **headers})


@pytest.mark.parametrize("late", [-6 * A_MINUTE, 6 * A_MINUTE])
def test_the_reference_library_refuses_what_comes_at_another_time(
    late: timedelta,
) -> None:
    secret = new_secret()
    headers = dict(sign((secret,), MESSAGE, BODY, at=datetime.now(UTC) + late))
    with pytest.raises(WebhookVerificationError, match="timestamp"):
        Verifier(show_secret(secret)).verify(BODY, headers)


def test_the_reference_library_refuses_another_secret() -> None:
    headers = dict(sign((new_secret(),), MESSAGE, BODY, at=datetime.now(UTC)))
    with pytest.raises(WebhookVerificationError, match="signature"):
        Verifier(show_secret(new_secret())).verify(BODY, headers)


def test_a_secret_is_never_in_a_repr() -> None:
    assert "sealed" not in repr(a_webhook())


def test_a_rotated_secret_signs_for_a_day() -> None:
    webhook = a_webhook().rotate(b"new", at=NOW)
    until = NOW + OVERLAP
    assert webhook.valid_secrets(until - A_SECOND) == (b"new", b"\x00sealed\xff")
    assert webhook.valid_secrets(until) == (b"new",)


def test_rotating_again_does_not_prolong_older_secrets() -> None:
    webhook = a_webhook().rotate(b"2", at=NOW).rotate(b"3", at=NOW + A_MINUTE)
    assert [secret.valid_until for secret in webhook.secrets] == [
        None,
        NOW + A_MINUTE + OVERLAP,
        NOW + OVERLAP,
    ]
    later = webhook.rotate(b"4", at=NOW + OVERLAP)
    assert [secret.sealed for secret in later.secrets] == [b"4", b"3", b"2"]


def test_the_number_of_secrets_is_bounded() -> None:
    webhook = a_webhook()
    for _ in range(20):
        webhook = webhook.rotate(b"new", at=NOW)
    assert len(webhook.secrets) == MAX_SECRETS


def tried(delivery: Delivery, *, answer: int = 500) -> Delivery:
    """After attempts whenever one was due, until there was none."""
    while delivery.due_at:
        delivery = delivery.note(failing(delivery.due_at, answer))
    return delivery


def test_a_delivery_is_tried_for_a_day_more_and_more_seldom(
    delivery: Delivery,
) -> None:
    given_up = tried(delivery)
    assert given_up.status is DeliveryStatus.FAILED
    moments = [attempt.at for attempt in given_up.attempts]
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(moments)]
    usual = [5, 30, 120, 600, 1800, 3600, 7200, *[14_400] * 4]
    assert len(pauses) >= len(usual)
    for pause, expected in zip(pauses, [*usual, 14_400], strict=False):
        assert 0.9 * expected <= pause <= expected
    assert timedelta(hours=20) < moments[-1] - NOW <= PATIENCE
    assert given_up.finished_at == moments[-1]


@given(st.uuids())
def test_every_delivery_ends_within_a_day(id: object) -> None:
    delivery = replace(a_delivery(a_webhook(), a_job()), id=DeliveryId(f"msg_{id}"))
    given_up = tried(delivery)
    assert given_up.attempts[-1].at <= NOW + PATIENCE
    assert 12 <= len(given_up.attempts) <= 14


def test_deliveries_do_not_all_come_at_the_same_moment() -> None:
    dues = {a_delivery(a_webhook(), a_job()).note(failing()).due_at for _ in range(20)}
    assert len(dues) > 10


@pytest.mark.parametrize("status", [200, 202, 299])
def test_what_is_accepted_is_delivered(delivery: Delivery, status: int) -> None:
    delivered = delivery.note(Attempt(at=NOW, duration_ms=40, status_code=status))
    assert (delivered.status, delivered.due_at) == (DeliveryStatus.DELIVERED, None)
    assert delivered.finished_at == NOW + timedelta(milliseconds=40)


@pytest.mark.parametrize("status", [100, 199, 300, 301, 304, 400, 404, 429, 500, 503])
def test_nothing_else_is_accepted(delivery: Delivery, status: int) -> None:
    assert delivery.note(failing(status_code=status)).due_at


def test_what_got_no_answer_is_tried_again(delivery: Delivery) -> None:
    assert delivery.note(Attempt(at=NOW, duration_ms=1, error="Too slow.")).due_at


def test_what_is_gone_is_not_tried_again(delivery: Delivery) -> None:
    assert delivery.note(failing(status_code=410)).status is DeliveryStatus.FAILED


@pytest.mark.parametrize(
    ("wish", "pause"),
    [
        (timedelta(minutes=7), timedelta(minutes=7)),
        (timedelta(days=9), timedelta(hours=4)),
    ],
)
def test_a_receivers_wish_is_heeded_within_bounds(
    delivery: Delivery, wish: timedelta, pause: timedelta
) -> None:
    assert delivery.note(failing(), retry_after=wish).due_at == NOW + pause


@pytest.mark.parametrize("wish", [timedelta(), -A_MINUTE])
def test_no_wish_makes_it_sooner(delivery: Delivery, wish: timedelta) -> None:
    assert delivery.note(failing(), retry_after=wish) == delivery.note(failing())


def test_pauses_count_from_an_attempts_end(delivery: Delivery) -> None:
    slow = Attempt(at=NOW, duration_ms=15_000, error="Too slow.")
    due_at = delivery.note(slow).due_at
    assert due_at
    assert due_at >= NOW + timedelta(seconds=15 + 4.5)


def test_a_replay_has_a_day_of_its_own(delivery: Delivery) -> None:
    given_up = tried(delivery)
    later = NOW + timedelta(days=3)
    again = given_up.replay(later)
    assert (again.status, again.due_at) == (DeliveryStatus.PENDING, later)
    assert again.attempts == given_up.attempts
    due_at = again.note(failing(later)).due_at
    assert due_at
    assert due_at <= later + timedelta(seconds=5)
    assert tried(again).attempts[-1].at > later + timedelta(hours=20)


def test_a_late_attempt_changes_nothing_but_the_log(delivery: Delivery) -> None:
    delivered = delivery.note(accepted())
    noted = delivered.note(failing(NOW + A_SECOND))
    assert noted == replace(delivered, attempts=noted.attempts)
    assert len(noted.attempts) == 2


def test_only_the_last_attempts_are_remembered(delivery: Delivery) -> None:
    for n in range(MAX_ATTEMPTS + 5):
        delivery = delivery.replay(NOW).note(failing(NOW + n * A_SECOND))
    assert len(delivery.attempts) == MAX_ATTEMPTS
    assert delivery.attempts[-1].at == NOW + (MAX_ATTEMPTS + 4) * A_SECOND


def heeding(webhook: Webhook, *attempts: Attempt, given_up: bool = False) -> Webhook:
    for attempt in attempts:
        webhook = webhook.heed(attempt, given_up=given_up)
    return webhook


def test_a_webhook_is_failing_since_its_first_failure() -> None:
    webhook = heeding(a_webhook(), failing(), failing(NOW + A_MINUTE))
    assert webhook.failing_since == NOW
    assert heeding(webhook, accepted(NOW + A_MINUTE)) == a_webhook_like(webhook)


def a_webhook_like(webhook: Webhook) -> Webhook:
    return replace(webhook, failing_since=None)


def test_a_webhook_that_is_gone_is_disabled_at_once() -> None:
    webhook = heeding(a_webhook(), failing(status_code=410))
    assert webhook.disabled_at == NOW
    assert webhook.disabled_reason == "The endpoint answered 410 Gone."


@pytest.mark.parametrize(
    ("after", "given_up", "disabled"),
    [
        (DISABLE_AFTER - A_SECOND, True, False),
        (DISABLE_AFTER, False, False),
        (DISABLE_AFTER, True, True),
    ],
)
def test_a_webhook_that_takes_nothing_for_days_is_disabled(
    after: timedelta, *, given_up: bool, disabled: bool
) -> None:
    webhook = heeding(a_webhook(), failing(), failing(NOW + after), given_up=given_up)
    assert bool(webhook.disabled_at) is disabled
    assert bool(webhook.disabled_reason) is disabled


def test_one_success_begins_the_days_anew() -> None:
    later = NOW + DISABLE_AFTER
    webhook = heeding(a_webhook(), failing(), accepted(), failing(later), given_up=True)
    assert (webhook.failing_since, webhook.disabled_at) == (later, None)


def test_an_enabled_webhook_begins_anew() -> None:
    disabled = heeding(a_webhook(), failing(status_code=410))
    enabled = disabled.enable()
    assert (enabled.failing_since, enabled.disabled_at) == (None, None)
    assert enabled.disabled_reason is None


def test_a_disabled_webhook_stays_as_it_is() -> None:
    disabled = heeding(a_webhook(), failing(status_code=410))
    assert heeding(disabled, accepted(), failing(NOW + A_MINUTE, 410)) == disabled


def test_the_one_without_a_url_answers_for_none_of_the_jobs() -> None:
    default = a_webhook(None)
    assert heeding(default, failing(), failing(status_code=410), given_up=True) == (
        default
    )
