import inspect
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo.domain.access import (
    ApiKey,
    KeyId,
    Principal,
    Proof,
    Scope,
    _same,
    is_tenant,
    show_key,
    split_key,
)
from photo.domain.errors import Forbidden, Unauthenticated
from tests.makers import ACME, NOW, PROOF, SECRET, a_key, new_id

AN_HOUR = timedelta(hours=1)
A_MINUTE = timedelta(minutes=1)

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
IDS = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=26, max_size=26)


def an_older_key() -> ApiKey:
    return replace(a_key(), secret_hmac=None, secret_sha256=PROOF.sha256)


def test_the_secret_opens_the_key() -> None:
    key = a_key(scopes=frozenset({Scope.READ}))
    caller = key.authenticate(PROOF, now=NOW)
    assert caller == Principal(ACME, frozenset({Scope.READ}), key.id)


def test_an_older_key_is_opened_by_its_plain_hash() -> None:
    an_older_key().authenticate(PROOF, now=NOW)
    with pytest.raises(Unauthenticated):
        an_older_key().authenticate(PROOF._replace(sha256="c3" * 32), now=NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        Proof("", ""),
        Proof("c3" * 32, PROOF.sha256),
        Proof(PROOF.sha256, PROOF.hmac),
        Proof(PROOF.hmac.upper(), ""),
        Proof(PROOF.hmac[:-1], ""),
    ],
)
def test_no_other_secret_does(wrong: Proof) -> None:
    with pytest.raises(Unauthenticated):
        a_key().authenticate(wrong, now=NOW)


def test_a_key_works_until_it_expires() -> None:
    key = a_key(expires_at=NOW + AN_HOUR)
    key.authenticate(PROOF, now=NOW + AN_HOUR - timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        key.authenticate(PROOF, now=NOW + AN_HOUR)


def test_a_revoked_key_works_no_more() -> None:
    with pytest.raises(Unauthenticated):
        a_key().revoke(NOW).authenticate(PROOF, now=NOW)


def test_revoking_twice_keeps_the_first_time() -> None:
    revoked = a_key().revoke(NOW)
    assert revoked.revoke(NOW + AN_HOUR) == revoked


def test_a_caller_cannot_tell_why_a_key_was_refused() -> None:
    told = set()
    for key, proof in [
        (a_key(), Proof("c3" * 32, "")),
        (a_key().revoke(NOW), PROOF),
        (a_key(expires_at=NOW), PROOF),
    ]:
        with pytest.raises(Unauthenticated) as refused:
            key.authenticate(proof, now=NOW)
        told.add(refused.value.detail)
    assert len(told) == 1


def test_secrets_are_compared_in_constant_time_and_nothing_before() -> None:
    source = inspect.getsource(ApiKey.authenticate)
    assert source.index("raise") > source.rindex("_same(") > source.index("_same(")
    assert "compare_digest(stored, shown)" in inspect.getsource(_same)


def test_uses_within_a_minute_count_as_one() -> None:
    key = a_key()
    assert key.counts(NOW)
    used = key.used(NOW, secret_hmac=PROOF.hmac)
    assert used.last_used_at == NOW
    assert not used.counts(NOW + A_MINUTE - timedelta(microseconds=1))
    assert used.counts(NOW + A_MINUTE)


def test_a_use_replaces_the_plain_hash_of_an_older_key() -> None:
    key = replace(an_older_key(), last_used_at=NOW)
    assert key.counts(NOW)
    used = key.used(NOW, secret_hmac=PROOF.hmac)
    assert (used.secret_hmac, used.secret_sha256) == (PROOF.hmac, None)


def test_a_shown_key_splits_into_what_it_was_made_of() -> None:
    key = a_key()
    shown = show_key(key.id, SECRET)
    assert shown.startswith(f"{key.prefix}_{SECRET}")
    key_id, secret = split_key(shown)
    assert (key_id, secret[:-8]) == (key.id, SECRET)


@given(IDS, HEX)
def test_any_secret_survives_being_shown(identity: str, secret: str) -> None:
    key_id = KeyId(f"key_{identity}")
    assert split_key(show_key(key_id, secret))[0] == key_id


def test_an_older_key_without_a_checksum_is_read() -> None:
    key_id = KeyId(new_id("key"))
    shown = show_key(key_id, SECRET)[:-8]
    assert split_key(shown) == (key_id, SECRET)


@given(IDS, HEX, st.data())
def test_a_mistyped_key_is_known_by_its_form(
    identity: str, secret: str, data: st.DataObject
) -> None:
    shown = show_key(KeyId(f"key_{identity}"), secret)
    at = data.draw(st.integers(0, len(shown) - 1))
    other = data.draw(st.sampled_from("0123456789abcdef").filter(shown[at].__ne__))
    with pytest.raises(Unauthenticated, match="no API key"):
        split_key(shown[:at] + other + shown[at + 1 :])


@pytest.mark.parametrize("missing", [1, 2, 7, 9, 71])
def test_a_key_that_is_cut_short_is_known_by_its_form(missing: int) -> None:
    with pytest.raises(Unauthenticated, match="no API key"):
        split_key(show_key(KeyId(new_id("key")), SECRET)[:-missing])


@pytest.mark.parametrize(
    "shown",
    ["", "pk", "pk_", "pk__", "pk_id", "pk_id_", "pk__secret", "sk_id_secret", "a.b.c"],
)
def test_what_is_no_key_is_refused_by_its_form(shown: str) -> None:
    with pytest.raises(Unauthenticated, match="one looks like pk_<id>_<secret>"):
        split_key(shown)


@given(st.text())
def test_nothing_sent_as_a_key_breaks_the_reader(shown: str) -> None:
    with pytest.raises(Unauthenticated):
        split_key("pk_" + shown)


@pytest.mark.parametrize("scope", Scope)
def test_a_caller_needs_exactly_the_scope_asked_for(scope: Scope) -> None:
    Principal(ACME, frozenset({scope}), "key").require([scope])
    with pytest.raises(Forbidden, match=scope) as refused:
        Principal(ACME, frozenset(Scope) - {scope}, "key").require([scope])
    assert refused.value.scopes == [scope]


def test_all_that_a_caller_lacks_is_named() -> None:
    caller = Principal(ACME, frozenset({Scope.READ}), "key")
    with pytest.raises(Forbidden, match="admin and photos:write"):
        caller.require(Scope)


@pytest.mark.parametrize("name", ["a", "0", "acme", "acme-2", "a" * 63])
def test_a_tenant_is_called_like_a_host(name: str) -> None:
    assert is_tenant(name)


@pytest.mark.parametrize(
    "name", ["", "*", "-a", "a-", "A", "a.b", "a/b", "..", "é", "٣", "a\n", "a" * 64]
)
def test_no_tenant_is_called_so(name: str) -> None:
    assert not is_tenant(name)
