-- Why: Hubs come into the registry from manifests that a factory signed. An import waits in its own tables, entry by
-- entry, so that an interrupted upload goes on where it was, and becomes Hubs all in one transaction or not at all.
-- Locks: fleet.hub ACCESS EXCLUSIVE for an instant; a constant default rewrites nothing.

CREATE TABLE fleet.factory_key (
    key_id      bytea       PRIMARY KEY CHECK (octet_length(key_id) = 8),
    factory     text        NOT NULL CHECK (char_length(factory) BETWEEN 1 AND 32),
    public_key  bytea       NOT NULL UNIQUE CHECK (octet_length(public_key) = 32),
    create_time timestamptz NOT NULL,
    retire_time timestamptz
);
COMMENT ON TABLE fleet.factory_key IS 'Keys that may vouch for Hubs.';
COMMENT ON COLUMN fleet.factory_key.key_id IS 'PUBLIC: the first 8 bytes of the SHA-256 of the public key.';
COMMENT ON COLUMN fleet.factory_key.factory IS 'PUBLIC: the factory that holds the private half.';
COMMENT ON COLUMN fleet.factory_key.public_key IS 'PUBLIC: Ed25519.';
COMMENT ON COLUMN fleet.factory_key.create_time IS 'PUBLIC: when it was registered.';
COMMENT ON COLUMN fleet.factory_key.retire_time IS 'PUBLIC: when it was retired; null: it is not.';

CREATE TABLE fleet.manufacturing_import (
    import_id       uuid        PRIMARY KEY,
    state           text        NOT NULL
        CHECK (state IN ('UPLOADING', 'VERIFIED', 'COMMITTED', 'CANCELLED', 'REFUSED')),
    factory         text        NOT NULL,
    lot             text        NOT NULL CHECK (char_length(lot) BETWEEN 1 AND 32),
    hub_count       integer     NOT NULL CHECK (hub_count BETWEEN 1 AND 1000000),
    committed_count integer     NOT NULL DEFAULT 0 CHECK (committed_count BETWEEN 0 AND hub_count),
    problem_count   integer     NOT NULL DEFAULT 0 CHECK (problem_count BETWEEN 0 AND committed_count),
    chain_digest    bytea       NOT NULL CHECK (octet_length(chain_digest) = 32),
    entries_digest  bytea       NOT NULL CHECK (octet_length(entries_digest) = 32),
    statement       bytea       NOT NULL CHECK (octet_length(statement) BETWEEN 1 AND 4096),
    signature       bytea       NOT NULL CHECK (octet_length(signature) = 64),
    key_id          bytea       NOT NULL REFERENCES fleet.factory_key,
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL
);
COMMENT ON TABLE fleet.manufacturing_import IS 'Manifests on their way into the registry, and those that arrived: who vouched for which lot.';
COMMENT ON COLUMN fleet.manufacturing_import.import_id IS 'PSEUDONYM: the manifest.';
COMMENT ON COLUMN fleet.manufacturing_import.state IS 'PUBLIC: where it is.';
COMMENT ON COLUMN fleet.manufacturing_import.factory IS 'PUBLIC: the factory that signed.';
COMMENT ON COLUMN fleet.manufacturing_import.lot IS 'PUBLIC: the manufacturing lot.';
COMMENT ON COLUMN fleet.manufacturing_import.hub_count IS 'PUBLIC: how many entries the manifest announces.';
COMMENT ON COLUMN fleet.manufacturing_import.committed_count IS 'PUBLIC: how many entries are stored.';
COMMENT ON COLUMN fleet.manufacturing_import.problem_count IS 'PUBLIC: how many of them have a problem.';
COMMENT ON COLUMN fleet.manufacturing_import.chain_digest IS 'PUBLIC: the hash chain over the entries that are stored.';
COMMENT ON COLUMN fleet.manufacturing_import.entries_digest IS 'PUBLIC: where the chain must end.';
COMMENT ON COLUMN fleet.manufacturing_import.statement IS 'PUBLIC: the manifest, byte for byte as signed.';
COMMENT ON COLUMN fleet.manufacturing_import.signature IS 'PUBLIC: the factory''s signature.';
COMMENT ON COLUMN fleet.manufacturing_import.key_id IS 'PUBLIC: the key that signed.';
COMMENT ON COLUMN fleet.manufacturing_import.create_time IS 'PUBLIC: when it was started.';
COMMENT ON COLUMN fleet.manufacturing_import.update_time IS 'PUBLIC: when it last changed.';

CREATE TABLE fleet.manufacturing_entry (
    import_id           uuid     NOT NULL REFERENCES fleet.manufacturing_import ON DELETE CASCADE,
    entry_index         integer  NOT NULL CHECK (entry_index >= 0),
    hub_id              uuid,
    identity_public_key bytea,
    hardware_model      text,
    hardware_revision   bigint,
    firmware_sequence   bigint,
    problem             text     CHECK (problem IN ('MALFORMED', 'HUB_EXISTS', 'KEY_EXISTS', 'REPEATED')),
    PRIMARY KEY (import_id, entry_index),
    CHECK ((problem IS NOT NULL AND problem = 'MALFORMED') = (hub_id IS NULL))
);
CREATE INDEX manufacturing_entry_by_hub ON fleet.manufacturing_entry (import_id, hub_id);
CREATE INDEX manufacturing_entry_by_key ON fleet.manufacturing_entry (import_id, identity_public_key);
COMMENT ON TABLE fleet.manufacturing_entry IS 'Entries of imports that are not finished; they go when the import ends.';
COMMENT ON COLUMN fleet.manufacturing_entry.import_id IS 'PSEUDONYM: the manifest.';
COMMENT ON COLUMN fleet.manufacturing_entry.entry_index IS 'PUBLIC: the place in the manifest, from 0.';
COMMENT ON COLUMN fleet.manufacturing_entry.hub_id IS 'PSEUDONYM: the Hub; null: the entry could not be read.';
COMMENT ON COLUMN fleet.manufacturing_entry.identity_public_key IS 'PSEUDONYM: the public half of its device identity key.';
COMMENT ON COLUMN fleet.manufacturing_entry.hardware_model IS 'PUBLIC: the hardware.';
COMMENT ON COLUMN fleet.manufacturing_entry.hardware_revision IS 'PUBLIC: its revision.';
COMMENT ON COLUMN fleet.manufacturing_entry.firmware_sequence IS 'PUBLIC: the firmware that left the factory.';
COMMENT ON COLUMN fleet.manufacturing_entry.problem IS 'PUBLIC: why it cannot be taken; null: it can.';

ALTER TABLE fleet.hub ADD COLUMN factory_firmware_sequence bigint NOT NULL DEFAULT 0
    CHECK (factory_firmware_sequence >= 0);
COMMENT ON COLUMN fleet.hub.factory_firmware_sequence IS 'PUBLIC: the firmware that left the factory; an update below it is a roll-back. 0: not known.';
GRANT INSERT (factory_firmware_sequence) ON fleet.hub TO fleet_service;

GRANT SELECT, INSERT ON fleet.factory_key, fleet.manufacturing_import TO fleet_service;
GRANT UPDATE (retire_time) ON fleet.factory_key TO fleet_service;
GRANT UPDATE (state, committed_count, problem_count, chain_digest, update_time)
    ON fleet.manufacturing_import TO fleet_service;
GRANT SELECT, INSERT, DELETE ON fleet.manufacturing_entry TO fleet_service;
GRANT UPDATE (problem) ON fleet.manufacturing_entry TO fleet_service;
