"""The check of a signature over context and statement."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_svc.domain.signing import CONSENT_CONTEXT, OWNER_KEY_CONTEXT, PEER_LIST_CONTEXT, verify
from mesh.errors import InvalidArgumentError, StateConflictError
from tests.unit.fleet_svc.domain.signing_keys import Signer

SIGNER = Signer()
SIGNED = SIGNER.sign(b"a statement", CONSENT_CONTEXT)


def test_a_signature_over_these_bytes_in_this_context_is_taken() -> None:
    verify(SIGNED, public_key=SIGNER.public_key, context=CONSENT_CONTEXT)


@pytest.mark.parametrize("context", [OWNER_KEY_CONTEXT, PEER_LIST_CONTEXT, b"", b"ora consent v1\x00"])
def test_a_signature_for_another_context_is_refused(context: bytes) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        verify(SIGNED, public_key=SIGNER.public_key, context=context)
    assert refused.value.reason == "SIGNATURE_INVALID"


@given(st.integers(0, 8 * len(SIGNED.statement) - 1))
def test_one_changed_bit_of_the_statement_is_refused(bit: int) -> None:
    changed = replace(SIGNED, statement=_flip(SIGNED.statement, bit))
    with pytest.raises(InvalidArgumentError):
        verify(changed, public_key=SIGNER.public_key, context=CONSENT_CONTEXT)


@given(st.integers(0, 8 * len(SIGNED.signature) - 1))
def test_one_changed_bit_of_the_signature_is_refused(bit: int) -> None:
    changed = replace(SIGNED, signature=_flip(SIGNED.signature, bit))
    with pytest.raises(InvalidArgumentError):
        verify(changed, public_key=SIGNER.public_key, context=CONSENT_CONTEXT)


def test_a_key_that_does_not_hold_is_named_before_its_signature_is_tried() -> None:
    with pytest.raises(StateConflictError) as refused:
        verify(SIGNED, public_key=Signer().public_key, context=CONSENT_CONTEXT)
    assert refused.value.reason == "KEY_UNKNOWN"


def test_a_borrowed_key_id_does_not_help() -> None:
    forged = replace(Signer().sign(b"a statement", CONSENT_CONTEXT), key_id=SIGNER.key_id)
    with pytest.raises(InvalidArgumentError) as refused:
        verify(forged, public_key=SIGNER.public_key, context=CONSENT_CONTEXT)
    assert refused.value.reason == "SIGNATURE_INVALID"


def test_evidence_does_not_print_what_was_signed() -> None:
    assert "a statement" not in repr(SIGNED)


def _flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
