-- Why: the registry of Hubs: one row an identity, with its life cycle and the version of its admission. It holds no
-- device state, no home and no person, so it has no installer tenant: it belongs to PLATFORM whole (ADR 0050).
-- Locks: nothing that exists; the tables are new.

CREATE TABLE fleet.hub (
    hub_id                  uuid        PRIMARY KEY,
    state                   text        NOT NULL
        CHECK (state IN ('PROVISIONED', 'ACTIVE', 'SUSPENDED', 'DECOMMISSIONED')),
    hardware_model          text        NOT NULL CHECK (char_length(hardware_model) <= 32),
    hardware_revision       bigint      NOT NULL CHECK (hardware_revision BETWEEN 0 AND 4294967295),
    identity_public_key     bytea       NOT NULL UNIQUE CHECK (octet_length(identity_public_key) = 32),
    lot                     text        NOT NULL CHECK (char_length(lot) <= 32),
    revision                bigint      NOT NULL DEFAULT 1 CHECK (revision > 0),
    admission_version       bigint      NOT NULL DEFAULT 1 CHECK (admission_version > 0),
    certificates_not_before timestamptz,
    create_time             timestamptz NOT NULL,
    update_time             timestamptz NOT NULL
);

COMMENT ON TABLE fleet.hub IS 'The registry: every Hub that was ever made. A row is never deleted: a dead one is the tombstone that keeps its id and key from being given out again.';
COMMENT ON COLUMN fleet.hub.hub_id IS 'PSEUDONYM: the Hub, a UUID set by the factory.';
COMMENT ON COLUMN fleet.hub.state IS 'PUBLIC: where the Hub is in its life.';
COMMENT ON COLUMN fleet.hub.hardware_model IS 'PUBLIC: the hardware that it is.';
COMMENT ON COLUMN fleet.hub.hardware_revision IS 'PUBLIC: the revision of that hardware.';
COMMENT ON COLUMN fleet.hub.identity_public_key IS 'PSEUDONYM: the public half of the device identity key, Ed25519; no two Hubs share one.';
COMMENT ON COLUMN fleet.hub.lot IS 'PUBLIC: the manufacturing lot; empty if there is none.';
COMMENT ON COLUMN fleet.hub.revision IS 'PUBLIC: rises with each change that an operator makes; the etag.';
COMMENT ON COLUMN fleet.hub.admission_version IS 'PUBLIC: rises with each change of what other services may know of the Hub; written by triggers alone.';
COMMENT ON COLUMN fleet.hub.certificates_not_before IS 'PUBLIC: certificates issued before this instant are revoked; null: none is by date.';
COMMENT ON COLUMN fleet.hub.create_time IS 'PUBLIC: when the registry learnt of the Hub.';
COMMENT ON COLUMN fleet.hub.update_time IS 'PUBLIC: when an operator last changed the row.';

-- ListHubs pages by id within one state or one lot.
CREATE INDEX hub_by_state ON fleet.hub (state, hub_id);
CREATE INDEX hub_by_lot ON fleet.hub (lot, hub_id) WHERE lot <> '';

-- The end of a Hub's identity is for ever, whatever the code says; and what admission depends on moves its version.
CREATE FUNCTION fleet.hub_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.state = 'DECOMMISSIONED' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a decommissioned Hub stays so' USING ERRCODE = 'check_violation', CONSTRAINT = 'hub_dead_for_ever';
    END IF;
    IF (NEW.state, NEW.certificates_not_before) IS DISTINCT FROM (OLD.state, OLD.certificates_not_before) THEN
        NEW.admission_version := OLD.admission_version + 1;
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.hub_before_update() FROM PUBLIC;
CREATE TRIGGER hub_before_update BEFORE UPDATE ON fleet.hub
    FOR EACH ROW EXECUTE FUNCTION fleet.hub_before_update();

-- Every fleet node hears of a change at its commit: the notice is part of the transaction. New rows are not told: a Hub
-- that nobody served yet has no session to end, and a bulk import must not flood the channel.
CREATE FUNCTION fleet.hub_notify() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_notify('fleet_admission', NEW.hub_id::text);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.hub_notify() FROM PUBLIC;
CREATE TRIGGER hub_notify AFTER UPDATE ON fleet.hub
    FOR EACH ROW WHEN (OLD.admission_version IS DISTINCT FROM NEW.admission_version)
    EXECUTE FUNCTION fleet.hub_notify();

-- The service may not delete a Hub, change what the factory said of it, or choose an admission version.
GRANT SELECT ON fleet.hub TO fleet_service;
GRANT INSERT (hub_id, state, hardware_model, hardware_revision, identity_public_key, lot, revision, create_time,
              update_time)
    ON fleet.hub TO fleet_service;
GRANT UPDATE (state, revision, update_time, certificates_not_before) ON fleet.hub TO fleet_service;
