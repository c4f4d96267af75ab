"""Owns what the portal does later: each kind of task and recurring job as the contract names it. Knows no handler."""

from __future__ import annotations

from typing import Final

# The kind of a task, as its handler and its row have it; the contract's JobKind.
KINDS: Final = {
    "EXPIRE_HANDOVER": "EXPIRE_HANDOVERS",
    "STRIP": "STRIP_PROJECT",
    "CANCEL_IDLE": "EXPIRE_PROJECTS",
    "RELEASE_HOLD": "FINISH_HANDOVER",
    "LOWER_CONSENT": "FINISH_HANDOVER",
    "CHECK_LICENSE": "VERIFY_LICENSES",
    "DESTROY_CUSTODY": "DESTROY_CUSTODY",
    "REWRAP_KEYS": "REWRAP_KEYS",
    "MAKE_EXPORT": "EXPORT_ACCOUNT",
    "EXPIRE_EXPORT": "EXPIRE_CREDENTIALS",
    "ERASE_ACCOUNT": "ERASE_ACCOUNT",
    "EXPIRE_INVITATION": "EXPIRE_CREDENTIALS",
    "EXPIRE_UPLOAD": "COLLECT_OBJECTS",
}
# The names of recurring jobs; the contract's JobKind.
RECURRING: Final = {
    "sweep request records": "RETENTION",
    "sweep spent proofs": "RETENTION",
    "sweep outbox": "RETENTION",
    "sweep discarded tasks": "RETENTION",
    "sign audit checkpoints": "CHECKPOINT_AUDIT",
    "delete doomed objects": "COLLECT_OBJECTS",
    "collect orphaned objects": "COLLECT_OBJECTS",
}
# Nobody gives these up: they erase what somebody has a right to have erased, or say so to a Hub.
OWED: Final = frozenset({"STRIP_PROJECT", "EXPIRE_PROJECTS", "DESTROY_CUSTODY", "ERASE_ACCOUNT", "FINISH_HANDOVER"})
OF_HUBS: Final = frozenset({"RELEASE_HOLD", "LOWER_CONSENT"})
OF_PROJECTS: Final = frozenset({"EXPIRE_HANDOVER", "STRIP", "CANCEL_IDLE", "DESTROY_CUSTODY"})
