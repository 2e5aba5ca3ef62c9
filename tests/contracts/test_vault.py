import hmac
from hashlib import sha256

import pytest

from photo.adapters.vault import AesVault
from photo.application.ports import Vault
from photo.domain.errors import Internal


@pytest.fixture
def vault() -> Vault:
    return AesVault("a secret of the tests")


def test_what_is_sealed_comes_back(vault: Vault) -> None:
    sealed = vault.seal(b"whsec_1", purpose=b"webhooks")
    assert b"whsec" not in sealed
    assert vault.unseal(sealed, purpose=b"webhooks") == b"whsec_1"


def test_equal_data_are_sealed_differently(vault: Vault) -> None:
    seals = {vault.seal(b"same", purpose=b"webhooks") for _ in range(9)}
    assert len(seals) == 9


def test_nothing_opens_for_another_purpose_or_secret_or_when_changed(
    vault: Vault,
) -> None:
    sealed = vault.seal(b"whsec_1", purpose=b"webhooks")
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for key, data, purpose in (
        (vault, sealed, b"answers"),
        (AesVault("another"), sealed, b"webhooks"),
        (vault, changed, b"webhooks"),
        (vault, b"short", b"webhooks"),
    ):
        with pytest.raises(Internal):
            key.unseal(data, purpose=purpose)


def test_signatures_depend_on_data_purpose_and_secret(vault: Vault) -> None:
    signed = vault.sign(b"data", purpose=b"keys")
    assert signed == vault.sign(b"data", purpose=b"keys")
    assert len(signed) == 32
    others = {
        vault.sign(b"other", purpose=b"keys"),
        vault.sign(b"data", purpose=b"answers"),
        AesVault("another").sign(b"data", purpose=b"keys"),
        hmac.digest(b"a secret of the tests", b"data", "sha256"),
        sha256(b"data").digest(),
    }
    assert signed not in others
    assert len(others) == 5
