-- Why: who changed what, and when, so that it can be told afterwards and cannot be altered unseen: a hash chain for each Hub
-- and one for what belongs to no Hub. Written in the transaction of the effect (ADR 0111).
-- Locks: nothing that exists; the table is new.

CREATE TABLE fleet.audit_entry (
    chain_id        uuid        NOT NULL,
    sequence        bigint      NOT NULL CHECK (sequence > 0),
    entry           bytea       NOT NULL CHECK (octet_length(entry) BETWEEN 1 AND 4096),
    previous_digest bytea       NOT NULL CHECK (octet_length(previous_digest) = 32),
    digest          bytea       NOT NULL CHECK (octet_length(digest) = 32),
    evidence        bytea       CHECK (octet_length(evidence) <= 16384),
    create_time     timestamptz NOT NULL,
    PRIMARY KEY (chain_id, sequence)
);
COMMENT ON TABLE fleet.audit_entry IS 'What was changed, by whom. Append only; each entry closes over the one before.';
COMMENT ON COLUMN fleet.audit_entry.chain_id IS 'PSEUDONYM: the Hub, or all zeros for what belongs to no Hub.';
COMMENT ON COLUMN fleet.audit_entry.sequence IS 'PUBLIC: the place in the chain, without gaps.';
COMMENT ON COLUMN fleet.audit_entry.entry IS 'PSEUDONYM: method, actor, resource, digests of request and evidence, time; a JSON document.';
COMMENT ON COLUMN fleet.audit_entry.previous_digest IS 'PUBLIC: the digest of the entry before; zeros for the first.';
COMMENT ON COLUMN fleet.audit_entry.digest IS 'PUBLIC: SHA-256 of context, previous digest, sequence and entry.';
COMMENT ON COLUMN fleet.audit_entry.evidence IS 'PSEUDONYM: what the entry has the digest of: a signed record, or the facts of a login; null: none, or the Hub is decommissioned.';
COMMENT ON COLUMN fleet.audit_entry.create_time IS 'PUBLIC: when it was written.';

-- Whoever inserts: an entry joins the end of its chain, and its digest is right.
CREATE FUNCTION fleet.audit_entry_before_insert() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    head fleet.audit_entry;
BEGIN
    SELECT * INTO head FROM fleet.audit_entry WHERE chain_id = NEW.chain_id ORDER BY sequence DESC LIMIT 1;
    IF NEW.sequence <> coalesce(head.sequence, 0) + 1
        OR NEW.previous_digest <> coalesce(head.digest, decode(repeat('00', 32), 'hex'))
        OR NEW.digest <> sha256('ora fleet audit v1'::bytea || '\x00'::bytea || NEW.previous_digest
                                || int8send(NEW.sequence) || NEW.entry)
    THEN
        RAISE EXCEPTION 'an audit entry joins the end of its chain'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_entry_chain';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.audit_entry_before_insert() FROM PUBLIC;
CREATE TRIGGER audit_entry_before_insert BEFORE INSERT ON fleet.audit_entry
    FOR EACH ROW EXECUTE FUNCTION fleet.audit_entry_before_insert();

-- A decommissioned Hub leaves the chain, which names no person, and loses the evidence.
CREATE OR REPLACE FUNCTION fleet.hub_erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM fleet.owner_key WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.update_hold WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.firmware_update WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_boot WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_director WHERE hub_id = NEW.hub_id;
    UPDATE fleet.audit_entry SET evidence = NULL WHERE chain_id = NEW.hub_id;
    RETURN NULL;
END $$;

-- No UPDATE and no DELETE.
GRANT SELECT, INSERT ON fleet.audit_entry TO fleet_service;
