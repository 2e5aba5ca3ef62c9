import hmac
import inspect
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.domain.access import (
    ApiKey,
    KeyId,
    Principal,
    Scope,
    hash_secret,
    show_key,
    split_key,
)
from photo.domain.errors import Forbidden, PhotoError, Unauthenticated
from tests.makers import ACME, NOW, SECRET, a_key

AN_HOUR = timedelta(hours=1)


def test_the_secret_opens_the_key() -> None:
    key = a_key(scopes=frozenset({Scope.READ}))
    caller = key.authenticate(SECRET, now=NOW)
    assert caller == Principal(ACME, frozenset({Scope.READ}), key.id)


@pytest.mark.parametrize(
    "wrong", ["", SECRET[:-1], SECRET + "0", SECRET.upper(), hash_secret(SECRET), "é"]
)
def test_no_other_secret_does(wrong: str) -> None:
    with pytest.raises(Unauthenticated):
        a_key().authenticate(wrong, now=NOW)


def test_a_key_works_until_it_expires() -> None:
    key = a_key(expires_at=NOW + AN_HOUR)
    key.authenticate(SECRET, now=NOW + AN_HOUR - timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        key.authenticate(SECRET, now=NOW + AN_HOUR)


def test_a_revoked_key_works_no_more() -> None:
    with pytest.raises(Unauthenticated):
        a_key().revoke(NOW).authenticate(SECRET, now=NOW)


def test_revoking_twice_keeps_the_first_time() -> None:
    revoked = a_key().revoke(NOW)
    assert revoked.revoke(NOW + AN_HOUR) == revoked


def test_a_caller_cannot_tell_why_a_key_was_refused() -> None:
    told = set()
    for key, secret in [
        (a_key(), "wrong"),
        (a_key().revoke(NOW), SECRET),
        (a_key(expires_at=NOW), SECRET),
    ]:
        with pytest.raises(Unauthenticated) as refused:
            key.authenticate(secret, now=NOW)
        told.add(refused.value.detail)
    assert len(told) == 1


def test_secrets_are_compared_in_constant_time() -> None:
    names = inspect.unwrap(ApiKey.authenticate).__code__.co_names
    assert {"hmac", hmac.compare_digest.__name__} <= {*names}


def test_a_key_holds_no_secret() -> None:
    assert SECRET not in repr(a_key())


def test_a_shown_key_splits_into_what_it_was_made_of() -> None:
    key = a_key()
    assert show_key(key.id, SECRET).startswith("pk_")
    assert split_key(show_key(key.id, SECRET)) == (key.id, SECRET)


@given(st.text(st.characters(codec="ascii", exclude_characters="_"), min_size=1))
def test_any_secret_survives_being_shown(secret: str) -> None:
    assert split_key(show_key(KeyId("key_01k"), secret)) == ("key_01k", secret)


@pytest.mark.parametrize(
    "shown",
    ["", "pk", "pk_", "pk__", "pk_id", "pk_id_", "pk__secret", "sk_id_secret", "a.b.c"],
)
def test_what_is_no_key_is_refused_by_its_form(shown: str) -> None:
    with pytest.raises(Unauthenticated, match="one looks like pk_<id>_<secret>"):
        split_key(shown)


@given(st.text())
def test_nothing_sent_as_a_key_breaks_the_reader(shown: str) -> None:
    try:
        _, secret = split_key(shown)
        a_key().authenticate(secret, now=NOW)
    except PhotoError as error:
        assert error.code == "unauthenticated"  # noqa: PT017 - either answer will do


@pytest.mark.parametrize("scope", Scope)
def test_a_caller_needs_exactly_the_scope_asked_for(scope: Scope) -> None:
    Principal(ACME, frozenset({scope}), "key").require(scope)
    with pytest.raises(Forbidden, match=scope):
        Principal(ACME, frozenset(Scope) - {scope}, "key").require(scope)
