-- Why: the audit chain of each tenant, the proofs of erasure, and the work that is still to do. The service may add to
-- the audit and to the proofs; it can change neither.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE portal.audit_entry (
    tenant_id       uuid   NOT NULL,
    sequence        bigint NOT NULL CHECK (sequence > 0),
    record          bytea  NOT NULL,
    previous_digest bytea  NOT NULL CHECK (octet_length(previous_digest) = 32),
    digest          bytea  NOT NULL CHECK (octet_length(digest) = 32),
    created_ms      bigint NOT NULL,
    PRIMARY KEY (tenant_id, sequence)
);
COMMENT ON TABLE portal.audit_entry IS 'One hash chain for each tenant. Nothing is ever taken out of it.';
COMMENT ON COLUMN portal.audit_entry.tenant_id IS 'PSEUDONYM: whose chain it is.';
COMMENT ON COLUMN portal.audit_entry.sequence IS 'PUBLIC: the place in the chain.';
COMMENT ON COLUMN portal.audit_entry.record IS 'PSEUDONYM: an encoded AuditRecord: identifiers and digests, no name.';
COMMENT ON COLUMN portal.audit_entry.previous_digest IS 'PUBLIC: the digest of the entry before.';
COMMENT ON COLUMN portal.audit_entry.digest IS 'PUBLIC: the digest of this entry.';
COMMENT ON COLUMN portal.audit_entry.created_ms IS 'PUBLIC: when it was written.';

-- The chain holds by itself: an entry joins the head of its tenant's chain, or it is refused.
CREATE FUNCTION portal.audit_entry_before_insert() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE head record;
BEGIN
    SELECT sequence, digest, created_ms INTO head FROM portal.audit_entry
     WHERE tenant_id = NEW.tenant_id ORDER BY sequence DESC LIMIT 1;
    IF NEW.sequence <> coalesce(head.sequence, 0) + 1
        OR NEW.previous_digest <> coalesce(head.digest, decode(repeat('00', 32), 'hex'))
        OR NEW.created_ms < coalesce(head.created_ms, 0)
        OR NEW.digest <> sha256('ora audit v1'::bytea || '\x00'::bytea || NEW.previous_digest || sha256(NEW.record))
    THEN
        RAISE EXCEPTION 'the entry does not join the chain'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_chain';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION portal.audit_entry_before_insert() FROM PUBLIC;
CREATE TRIGGER audit_entry_before_insert BEFORE INSERT ON portal.audit_entry
    FOR EACH ROW EXECUTE FUNCTION portal.audit_entry_before_insert();

ALTER TABLE portal.audit_entry ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON portal.audit_entry
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
GRANT SELECT, INSERT ON portal.audit_entry TO portal_service;

-- A directory of all tenants: a proof is shown to everybody who knew what was erased.
CREATE TABLE portal.erasure_receipt (
    receipt_id      uuid  PRIMARY KEY,
    tenant_id       uuid  NOT NULL,
    kind            text  NOT NULL
        CHECK (kind IN ('PROJECT_STRIPPED', 'PROJECT_CANCELLED', 'ACCOUNT', 'ORGANIZATION')),
    resource_digest bytea NOT NULL UNIQUE CHECK (octet_length(resource_digest) = 32),
    record          bytea NOT NULL,
    erase_day       date  NOT NULL
);
CREATE INDEX erasure_receipt_by_day ON portal.erasure_receipt (tenant_id, erase_day DESC, receipt_id DESC);
COMMENT ON TABLE portal.erasure_receipt IS 'Signed proofs of erasure. No row security: they tell nothing to who did not know what was erased.';
COMMENT ON COLUMN portal.erasure_receipt.receipt_id IS 'PSEUDONYM: the receipt.';
COMMENT ON COLUMN portal.erasure_receipt.tenant_id IS 'PSEUDONYM: the organisation, or the person''s own tenant.';
COMMENT ON COLUMN portal.erasure_receipt.kind IS 'PUBLIC: what was erased.';
COMMENT ON COLUMN portal.erasure_receipt.resource_digest IS 'PSEUDONYM: SHA-256 of the name of what was erased.';
COMMENT ON COLUMN portal.erasure_receipt.record IS 'PSEUDONYM: an encoded SignedRecord of the portal.';
COMMENT ON COLUMN portal.erasure_receipt.erase_day IS 'PUBLIC: the day on which it was done.';
GRANT SELECT, INSERT ON portal.erasure_receipt TO portal_service;

-- A directory of all tenants: what is to be done later, found by its time.
CREATE TABLE portal.task (
    task_id     uuid        PRIMARY KEY,
    kind        text        NOT NULL CHECK (kind IN
        ('EXPIRE_HANDOVER', 'STRIP', 'CANCEL_IDLE', 'RELEASE_HOLD', 'LOWER_CONSENT', 'CHECK_LICENSE')),
    tenant_id   uuid        NOT NULL,
    subject_id  uuid        NOT NULL,
    lock_epoch  bigint      NOT NULL DEFAULT 0,
    due_time    timestamptz NOT NULL,
    attempts    integer     NOT NULL DEFAULT 0,
    last_reason text        NOT NULL DEFAULT '',
    dead_time   timestamptz,
    create_time timestamptz NOT NULL,
    UNIQUE (kind, subject_id, lock_epoch)
);
CREATE INDEX task_by_time ON portal.task (due_time) WHERE dead_time IS NULL;
COMMENT ON TABLE portal.task IS 'Work that is still to do, with what hindered it. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.task.task_id IS 'PSEUDONYM: the task.';
COMMENT ON COLUMN portal.task.kind IS 'PUBLIC: what is to do.';
COMMENT ON COLUMN portal.task.tenant_id IS 'PSEUDONYM: for whom.';
COMMENT ON COLUMN portal.task.subject_id IS 'PSEUDONYM: the project, Hub or licence.';
COMMENT ON COLUMN portal.task.lock_epoch IS 'PUBLIC: the lock epoch that it belongs to; 0: none.';
COMMENT ON COLUMN portal.task.due_time IS 'PUBLIC: when it is to be tried next.';
COMMENT ON COLUMN portal.task.attempts IS 'PUBLIC: how often it was tried.';
COMMENT ON COLUMN portal.task.last_reason IS 'PUBLIC: why the last try failed.';
COMMENT ON COLUMN portal.task.dead_time IS 'PUBLIC: when it was given up; null: it is not.';
COMMENT ON COLUMN portal.task.create_time IS 'PUBLIC: when it was made.';
GRANT SELECT, INSERT, UPDATE, DELETE ON portal.task TO portal_service;

-- mesh: request_record
-- mesh: outbox
-- mesh: job
