"""Owns the intent of a step-up: that a login was made for exactly this, and has not been used for it before."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from ora.portal.v1.step_up_pb2 import StepUpEvidence

from mesh.call import current_call
from mesh.errors import AlreadyExistsError, PermissionDeniedError
from portal_svc.api import people
from portal_svc.api.times import to_timestamp
from portal_svc.store import proofs

if TYPE_CHECKING:
    from mesh.db import Tx
    from mesh.identity import Principal

_KIND: Final = b"step up"
# A token is believed a little after its end, so its use is remembered longer.
_KEPT: Final = timedelta(minutes=10)


def demand(resource: str, generation: int = 0) -> StepUpEvidence:
    """Return the evidence of the caller's step-up, or refuse one that was made for something else."""
    call = current_call()
    who, intent = call.person, call.method.policy.step_up.intent
    if not any(_fits(each, intent, resource, generation) for each in who.intents):
        raise PermissionDeniedError("the step-up was made for something else", reason="INTENT_MISMATCH")
    return StepUpEvidence(
        subject_digest=people.person().digest,
        issuer=who.issuer,
        acr=who.acr or "",
        auth_time=to_timestamp(who.auth_time),
        token_digest=_token(who),
        intent=intent,
        resource=resource,
        generation=generation,
    )


async def spend(tx: Tx, evidence: StepUpEvidence) -> StepUpEvidence:
    """Use the step-up up, in the transaction of its effect."""
    end = current_call().person.expires_at + _KEPT
    if not await proofs.spend(tx, _KIND, evidence.token_digest + evidence.intent.encode(), end):
        raise AlreadyExistsError("this step-up was used before", reason="STEP_UP_SPENT")
    return evidence


def _fits(given: Any, intent: str, resource: str, generation: int) -> bool:
    same = given.get("type") == intent and given.get("resource") == resource
    number = given.get("generation", 0)
    return bool(same and isinstance(number, int) and not isinstance(number, bool) and number == generation)


def _token(who: Principal) -> bytes:
    # An issuer that numbers no token is known by the login itself: one login, one effect.
    login = who.token_id or f"{who.subject}\x00{who.auth_time}"
    return hashlib.sha256(login.encode()).digest()
