"""The HPKE suites against the RFC and against a second reading of it."""

from __future__ import annotations

import pytest

from sdk.errors import MalformedError, SuiteUnknownError, TamperedError
from sdk.golden.transcript import transcribe
from sdk.hpke import SealingKey, SealingPublicKey, SuiteId, hpke_open, hpke_seal, suite_of

# RFC 9180, A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, sequence number 0.
RFC_KEY = SealingKey(SuiteId.SMALL, bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"))
RFC_INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
RFC_AAD = bytes.fromhex("436f756e742d30")
RFC_ENC = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
RFC_CIPHERTEXT = bytes.fromhex(
    "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
)
RFC_PLAINTEXT = b"Beauty is truth, truth beauty"


def test_the_rfc_vector_with_aad_opens() -> None:
    opened = hpke_open(RFC_KEY, info=RFC_INFO, aad=RFC_AAD, enc_and_ciphertext=RFC_ENC + RFC_CIPHERTEXT)
    assert opened == RFC_PLAINTEXT


def test_the_transcript_has_the_steps_of_the_rfc() -> None:
    steps = transcribe(RFC_KEY, info=RFC_INFO, aad=RFC_AAD, enc_and_ciphertext=RFC_ENC + RFC_CIPHERTEXT)
    assert steps.shared_secret.hex() == "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc"
    assert steps.key.hex() == "4531685d41d65f03dc48f6b8302c05b0"
    assert steps.base_nonce.hex() == "56d890e5accaaf011cff4b7d"
    assert steps.plaintext == RFC_PLAINTEXT


@pytest.mark.parametrize("suite", SuiteId)
def test_what_the_library_seals_the_transcript_opens(suite: SuiteId) -> None:
    key = SealingKey(suite, bytes(range(32)))
    sealed = hpke_seal(key.public(), info=b"info", aad=b"aad", plaintext=b"hello")
    assert len(sealed) == suite.enc_bytes + 5 + 16
    assert transcribe(key, info=b"info", aad=b"aad", enc_and_ciphertext=sealed).plaintext == b"hello"


@pytest.mark.parametrize("suite", SuiteId)
@pytest.mark.parametrize(("info", "aad"), [(b"info", b"other"), (b"other", b"aad")])
def test_other_info_or_aad_does_not_open(suite: SuiteId, info: bytes, aad: bytes) -> None:
    key = SealingKey(suite, bytes(range(32)))
    sealed = hpke_seal(key.public(), info=b"info", aad=b"aad", plaintext=b"hello")
    with pytest.raises(TamperedError):
        hpke_open(key, info=info, aad=aad, enc_and_ciphertext=sealed)


def test_an_unknown_suite_is_said() -> None:
    with pytest.raises(SuiteUnknownError):
        suite_of(3)


@pytest.mark.parametrize("suite", SuiteId)
def test_keys_of_a_wrong_length_are_refused(suite: SuiteId) -> None:
    with pytest.raises(MalformedError):
        SealingKey(suite, bytes(31))
    with pytest.raises(MalformedError):
        SealingPublicKey(suite, bytes(suite.public_key_bytes + 1))


@pytest.mark.parametrize("suite", SuiteId)
def test_a_public_key_that_is_no_key_is_refused(suite: SuiteId) -> None:
    with pytest.raises(MalformedError):
        hpke_seal(
            SealingPublicKey(suite, b"\xff" * suite.public_key_bytes)
            if suite is SuiteId.HYBRID
            else SealingPublicKey(suite, bytes(32)),
            info=b"",
            aad=b"",
            plaintext=b"",
        )


@pytest.mark.parametrize("suite", SuiteId)
def test_a_private_key_is_hidden(suite: SuiteId) -> None:
    key = SealingKey(suite, bytes(range(32)))
    assert bytes(range(32)).hex() not in repr(key)
    assert "hidden" in repr(key)
    assert repr(bytes(range(32)))[2:-1] not in f"{key} {key!r}"
