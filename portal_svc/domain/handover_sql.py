"""Owns the SQL that the transition table makes: what the database checks by itself. A test compares the migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from portal_svc.domain.handover import BOUND, ENDED, State, moves

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGIN: Final = "-- Made from portal_svc/domain/handover.py by portal_svc/domain/handover_sql.py: begin"
END: Final = "-- Made from portal_svc/domain/handover.py: end"


def block() -> str:
    """Return the whole block, as it stands in the migration."""
    pairs = ",\n            ".join(f"('{before}', '{after}')" for before, after in moves() if before is not None)
    first = ", ".join(f"'{after}'" for before, after in moves() if before is None)
    return f"""{BEGIN}
ALTER TABLE portal.project
    ADD CONSTRAINT project_state_known CHECK (state IN ({_list(State)})),
    ADD CONSTRAINT project_bound_by_state CHECK ((hub_id IS NOT NULL) = (state IN ({_list(BOUND)}))),
    ADD CONSTRAINT project_sealed_by_state CHECK (
        num_nulls(sealed, data_key, owner_member_id) = CASE WHEN state IN ({_list(ENDED)}) THEN 3 ELSE 0 END),
    ADD CONSTRAINT project_claimed_by_state CHECK (
        NOT claimed OR state IN ('PENDING_HANDOVER', 'HANDED_OVER', 'STRIPPED')),
    ADD CONSTRAINT project_locked_by_state CHECK (state <> 'PENDING_HANDOVER' OR lock_epoch > 0);

CREATE FUNCTION portal.project_before_write() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ({first}) OR NEW.lock_epoch <> 0 THEN
            RAISE EXCEPTION 'a project does not begin like this'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'project_beginning';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.lock_epoch < OLD.lock_epoch THEN
        RAISE EXCEPTION 'a lock epoch never falls'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_epoch_rises';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
            {pairs}) THEN
        RAISE EXCEPTION 'the transition table has no such way'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_transition';
    END IF;
    IF NEW.state = 'PENDING_HANDOVER' AND OLD.state <> NEW.state AND NEW.lock_epoch <> OLD.lock_epoch + 1 THEN
        RAISE EXCEPTION 'a lock has an epoch of its own'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_lock_epoch';
    END IF;
    RETURN NEW;
END $$;
{END}"""


def _list(states: Iterable[State]) -> str:
    found = set(states)
    return ", ".join(f"'{each}'" for each in State if each in found)
