-- Why: what a Hub signs about itself: the owner key of its current epoch, what its owner allows, and who may talk to it.
-- Only the newest of each is kept. The rules that a bug above must not break stand here: an epoch and a sequence never
-- fall, consent is never raised without a newer signed record, a new epoch and a decommissioning destroy what came before.
-- Locks: fleet.hub SHARE ROW EXCLUSIVE for an instant, for the foreign key and the trigger.

CREATE TABLE fleet.owner_key (
    hub_id           uuid        PRIMARY KEY REFERENCES fleet.hub,
    owner_epoch      bigint      NOT NULL CHECK (owner_epoch > 0),
    owner_public_key bytea       NOT NULL CHECK (octet_length(owner_public_key) = 32),
    statement        bytea       NOT NULL CHECK (octet_length(statement) BETWEEN 1 AND 4096),
    signature        bytea       NOT NULL CHECK (octet_length(signature) = 64),
    key_id           bytea       NOT NULL CHECK (octet_length(key_id) = 8),
    take_time        timestamptz NOT NULL,
    UNIQUE (hub_id, owner_epoch)
);
COMMENT ON TABLE fleet.owner_key IS 'The owner key that holds for each Hub, and the record that gave it.';
COMMENT ON COLUMN fleet.owner_key.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.owner_key.owner_epoch IS 'PUBLIC: how many owners and factory resets the Hub has seen; never falls.';
COMMENT ON COLUMN fleet.owner_key.owner_public_key IS 'PSEUDONYM: the public half of the owner key, Ed25519.';
COMMENT ON COLUMN fleet.owner_key.statement IS 'PSEUDONYM: the OwnerKeyStatement, byte for byte as signed.';
COMMENT ON COLUMN fleet.owner_key.signature IS 'PSEUDONYM: the signature by the device identity key.';
COMMENT ON COLUMN fleet.owner_key.key_id IS 'PSEUDONYM: the short name of the key that signed.';
COMMENT ON COLUMN fleet.owner_key.take_time IS 'PUBLIC: when the record was taken.';

CREATE TABLE fleet.consent (
    hub_id      uuid        PRIMARY KEY,
    owner_epoch bigint      NOT NULL,
    sequence    bigint      NOT NULL CHECK (sequence > 0),
    signed      text[]      NOT NULL CHECK (
        signed <@ ARRAY['RELAY', 'TELEMETRY', 'BACKUP', 'OTA_POLL', 'COMMAND', 'STREAM', 'SHADOW']),
    lowered     text[]      NOT NULL DEFAULT '{}' CHECK (lowered <@ signed),
    statement   bytea       NOT NULL CHECK (octet_length(statement) BETWEEN 1 AND 4096),
    signature   bytea       NOT NULL CHECK (octet_length(signature) = 64),
    key_id      bytea       NOT NULL CHECK (octet_length(key_id) = 8),
    take_time   timestamptz NOT NULL,
    FOREIGN KEY (hub_id, owner_epoch) REFERENCES fleet.owner_key (hub_id, owner_epoch) ON DELETE CASCADE
);
COMMENT ON TABLE fleet.consent IS 'What the owner of each Hub allows. No row: nothing.';
COMMENT ON COLUMN fleet.consent.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.consent.owner_epoch IS 'PUBLIC: the epoch of the key that signed; always the one that holds.';
COMMENT ON COLUMN fleet.consent.sequence IS 'PUBLIC: the place of the record in its epoch; never falls.';
COMMENT ON COLUMN fleet.consent.signed IS 'PSEUDONYM: the capabilities that the record turns on.';
COMMENT ON COLUMN fleet.consent.lowered IS 'PSEUDONYM: those of them that the cloud turned off since; grows until a newer record.';
COMMENT ON COLUMN fleet.consent.statement IS 'PSEUDONYM: the ConsentStatement, byte for byte as signed.';
COMMENT ON COLUMN fleet.consent.signature IS 'PSEUDONYM: the signature by the owner key.';
COMMENT ON COLUMN fleet.consent.key_id IS 'PSEUDONYM: the short name of the key that signed.';
COMMENT ON COLUMN fleet.consent.take_time IS 'PUBLIC: when the record was taken, or last lowered.';

CREATE TABLE fleet.peer_list (
    hub_id            uuid        PRIMARY KEY,
    owner_epoch       bigint      NOT NULL,
    sequence          bigint      NOT NULL CHECK (sequence > 0),
    peer_ids          bytea[]     NOT NULL CHECK (cardinality(peer_ids) <= 32),
    subject_digests   bytea[]     NOT NULL CHECK (cardinality(subject_digests) = cardinality(peer_ids)),
    not_after_seconds bigint[]    NOT NULL CHECK (cardinality(not_after_seconds) = cardinality(peer_ids)),
    statement         bytea       NOT NULL CHECK (octet_length(statement) BETWEEN 1 AND 4096),
    signature         bytea       NOT NULL CHECK (octet_length(signature) = 64),
    key_id            bytea       NOT NULL CHECK (octet_length(key_id) = 8),
    take_time         timestamptz NOT NULL,
    FOREIGN KEY (hub_id, owner_epoch) REFERENCES fleet.owner_key (hub_id, owner_epoch) ON DELETE CASCADE
);
COMMENT ON TABLE fleet.peer_list IS 'Who may exchange envelopes with each Hub. No row: nobody.';
COMMENT ON COLUMN fleet.peer_list.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.peer_list.owner_epoch IS 'PUBLIC: the epoch of the key that signed; always the one that holds.';
COMMENT ON COLUMN fleet.peer_list.sequence IS 'PUBLIC: the place of the list in its epoch; never falls.';
COMMENT ON COLUMN fleet.peer_list.peer_ids IS 'PSEUDONYM: the app sessions, 16 bytes each.';
COMMENT ON COLUMN fleet.peer_list.subject_digests IS 'PSEUDONYM: in the same order, the digest that ties each session to one person.';
COMMENT ON COLUMN fleet.peer_list.not_after_seconds IS 'PUBLIC: in the same order, until when each entry holds, in seconds since 1970; 0: until the list changes.';
COMMENT ON COLUMN fleet.peer_list.statement IS 'PSEUDONYM: the PeerListStatement, byte for byte as signed.';
COMMENT ON COLUMN fleet.peer_list.signature IS 'PSEUDONYM: the signature by the owner key.';
COMMENT ON COLUMN fleet.peer_list.key_id IS 'PSEUDONYM: the short name of the key that signed.';
COMMENT ON COLUMN fleet.peer_list.take_time IS 'PUBLIC: when the record was taken.';

-- A new owner key only with a higher epoch; it destroys the consent and the peers of the epoch before.
CREATE FUNCTION fleet.owner_key_before_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.owner_epoch <= OLD.owner_epoch THEN
        RAISE EXCEPTION 'an owner epoch only rises' USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_epoch_rises';
    END IF;
    DELETE FROM fleet.consent WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.peer_list WHERE hub_id = NEW.hub_id;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.owner_key_before_update() FROM PUBLIC;
CREATE TRIGGER owner_key_before_update BEFORE UPDATE ON fleet.owner_key
    FOR EACH ROW EXECUTE FUNCTION fleet.owner_key_before_update();

-- Consent changes by a newer record, or by turning more off under the same one.
CREATE FUNCTION fleet.consent_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF (NEW.owner_epoch, NEW.sequence) > (OLD.owner_epoch, OLD.sequence) THEN
        RETURN NEW;
    END IF;
    IF (NEW.owner_epoch, NEW.sequence, NEW.signed, NEW.statement, NEW.signature, NEW.key_id)
            IS DISTINCT FROM (OLD.owner_epoch, OLD.sequence, OLD.signed, OLD.statement, OLD.signature, OLD.key_id)
        OR NOT NEW.lowered @> OLD.lowered
    THEN
        RAISE EXCEPTION 'consent rises by a newer signed record alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'consent_only_lowers';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.consent_before_update() FROM PUBLIC;
CREATE TRIGGER consent_before_update BEFORE UPDATE ON fleet.consent
    FOR EACH ROW EXECUTE FUNCTION fleet.consent_before_update();

CREATE FUNCTION fleet.peer_list_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF (NEW.owner_epoch, NEW.sequence) <= (OLD.owner_epoch, OLD.sequence) THEN
        RAISE EXCEPTION 'a peer list changes by a newer signed record alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'peer_list_rises';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.peer_list_before_update() FROM PUBLIC;
CREATE TRIGGER peer_list_before_update BEFORE UPDATE ON fleet.peer_list
    FOR EACH ROW EXECUTE FUNCTION fleet.peer_list_before_update();

-- Consent and peers are part of a Hub's admission. Runs as the owner: the service may not write the version itself.
CREATE FUNCTION fleet.admission_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE fleet.hub SET admission_version = admission_version + 1
     WHERE hub_id = coalesce(NEW.hub_id, OLD.hub_id);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.admission_changed() FROM PUBLIC;
CREATE TRIGGER consent_admission AFTER INSERT OR UPDATE OR DELETE ON fleet.consent
    FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();
CREATE TRIGGER peer_list_admission AFTER INSERT OR UPDATE OR DELETE ON fleet.peer_list
    FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();

-- A decommissioned Hub has no records: they go in the transaction that ends it.
CREATE FUNCTION fleet.hub_erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM fleet.owner_key WHERE hub_id = NEW.hub_id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.hub_erase() FROM PUBLIC;
CREATE TRIGGER hub_erase AFTER UPDATE ON fleet.hub
    FOR EACH ROW WHEN (NEW.state = 'DECOMMISSIONED' AND OLD.state <> 'DECOMMISSIONED')
    EXECUTE FUNCTION fleet.hub_erase();

-- No DELETE: what goes, goes by the rules above.
GRANT SELECT, INSERT ON fleet.owner_key, fleet.consent, fleet.peer_list TO fleet_service;
GRANT UPDATE (owner_epoch, owner_public_key, statement, signature, key_id, take_time)
    ON fleet.owner_key TO fleet_service;
GRANT UPDATE (owner_epoch, sequence, signed, lowered, statement, signature, key_id, take_time)
    ON fleet.consent TO fleet_service;
GRANT UPDATE (owner_epoch, sequence, peer_ids, subject_digests, not_after_seconds, statement, signature, key_id, take_time)
    ON fleet.peer_list TO fleet_service;
