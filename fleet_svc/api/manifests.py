"""Owns the strict reading of what a factory signs, and the contract's view of imports and factory keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

import protovalidate
from google.protobuf.message import DecodeError, Message
from ora.fleet.v1 import manifest_pb2, manufacturing_statement_pb2

from fleet_svc.api.names import factory_key_name, hub_name, import_name
from fleet_svc.api.times import to_timestamp
from fleet_svc.domain.hub import Provision
from fleet_svc.domain.manufacturing import Entry, Import, Problem, State, start_of_chain
from fleet_svc.domain.signing import Evidence
from mesh.errors import InvalidArgumentError
from mesh.ids import HubId, parse_uuid

if TYPE_CHECKING:
    from datetime import datetime

    from ora.common.v1 import signed_record_pb2

    from fleet_svc.domain.manufacturing import FactoryKey

_MOST_SEQUENCE: Final = 2**63 - 1
_STATES: Final = {each: manifest_pb2.ManufacturingImport.State.Value(f"STATE_{each}") for each in State}
STATE_FROM_PROTO: Final = {number: each for each, number in _STATES.items()}
_REASONS: Final = {each: manifest_pb2.ImportProblem.Reason.Value(f"REASON_{each}") for each in Problem}


def read_manifest(record: signed_record_pb2.SignedRecord, *, now: datetime) -> Import:
    """Return the import that a manifest opens; its signature is not verified yet."""
    statement = manufacturing_statement_pb2.ManufacturingManifestStatement()
    manifest_id = _id(statement.manifest_id) if _read(record.statement, statement) else None
    if manifest_id is None:
        raise InvalidArgumentError("the statement is no manifest", reason="STATEMENT_INVALID")
    return Import(
        import_id=manifest_id,
        state=State.UPLOADING,
        factory=statement.factory,
        lot=statement.lot,
        hub_count=statement.hub_count,
        committed_count=0,
        problem_count=0,
        chain_digest=start_of_chain(manifest_id),
        entries_digest=statement.entries_digest,
        evidence=Evidence(statement=record.statement, signature=record.signature, key_id=record.key_id),
        create_time=now,
        update_time=now,
    )


def read_entry(encoded: bytes, *, lot: str) -> Entry | None:
    """Return one entry; None if it cannot be read."""
    entry = manufacturing_statement_pb2.ManufacturingEntry()
    hub_id = _id(entry.hub_id) if _read(encoded, entry) else None
    if hub_id is None or entry.firmware_sequence > _MOST_SEQUENCE or "\x00" in entry.hardware_model:
        return None
    made = Provision(
        hub_id=HubId(hub_id),
        hardware_model=entry.hardware_model,
        hardware_revision=entry.hardware_revision,
        identity_public_key=entry.identity_public_key,
        lot=lot,
    )
    return Entry(provision=made, firmware_sequence=entry.firmware_sequence)


def import_to_proto(held: Import) -> manifest_pb2.ManufacturingImport:
    """Return the import as the contract shows it."""
    return manifest_pb2.ManufacturingImport(
        name=import_name(held.import_id),
        state=state_to_proto(held.state),
        factory=held.factory,
        lot=held.lot,
        hub_count=held.hub_count,
        committed_count=held.committed_count,
        problem_count=held.problem_count,
        create_time=to_timestamp(held.create_time),
        update_time=to_timestamp(held.update_time),
    )


def state_to_proto(state: State) -> manifest_pb2.ManufacturingImport.State.ValueType:
    """Return the number of a state."""
    return _STATES[state]


def key_to_proto(key: FactoryKey) -> manifest_pb2.FactoryKey:
    """Return the factory key as the contract shows it."""
    states = manifest_pb2.FactoryKey
    return manifest_pb2.FactoryKey(
        name=factory_key_name(key.key_id),
        factory=key.factory,
        public_key=key.public_key,
        state=states.STATE_RETIRED if key.retire_time else states.STATE_ACTIVE,
        create_time=to_timestamp(key.create_time),
        retire_time=to_timestamp(key.retire_time) if key.retire_time else None,
    )


def problem_to_proto(index: int, problem: Problem, hub_id: UUID | None) -> manifest_pb2.ImportProblem:
    """Return one problem as the contract shows it."""
    hub = hub_name(HubId(hub_id)) if hub_id else ""
    return manifest_pb2.ImportProblem(entry_index=index, reason=_REASONS[problem], hub=hub)


def _read(encoded: bytes, empty: Message) -> bool:
    try:
        empty.ParseFromString(encoded)
    except DecodeError:
        return False
    return empty.SerializeToString(deterministic=True) == encoded and not protovalidate.collect_violations(empty)


def _id(raw: bytes) -> UUID | None:
    """Return the UUID of 16 bytes, if it is one that has a name."""
    return parse_uuid(str(UUID(bytes=raw)))
