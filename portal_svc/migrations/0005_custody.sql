-- Why: Project Keys in custody (design §7), their data keys that are to be destroyed, the heads of the audit chains with
-- their signed checkpoints, each party's own part of the audit (by project, and by who did it, in whatever tenant), whose
-- a project is, and tasks that an operator can see, try again and give up.
-- Locks: portal.task for an instant, portal.audit_entry and portal.project while they are read once.

CREATE TABLE portal.custody (
    project_id           uuid        PRIMARY KEY,
    tenant_id            uuid        NOT NULL,
    state                text        NOT NULL,
    lock_epoch           bigint      NOT NULL CHECK (lock_epoch > 0),
    generation           bigint      NOT NULL CHECK (generation > 0),
    suite                text        NOT NULL CHECK (suite IN ('MLKEM768_X25519', 'X25519')),
    wrap_key_digest      bytea       NOT NULL CHECK (octet_length(wrap_key_digest) = 32),
    sealed               bytea,
    data_key             bytea,
    seal_time            timestamptz NOT NULL,
    request_time         timestamptz,
    approval_id          uuid,
    approval_evidence    bytea,
    approve_time         timestamptz,
    release_from_time    timestamptz,
    approval_expire_time timestamptz,
    demand_digest        bytea       CHECK (octet_length(demand_digest) = 32),
    release_evidence     bytea,
    release_time         timestamptz,
    destroy_time         timestamptz,
    revision             bigint      NOT NULL CHECK (revision > 0),
    FOREIGN KEY (tenant_id, project_id) REFERENCES portal.project (tenant_id, project_id),
    CONSTRAINT custody_state_known CHECK (state IN ('SEALED', 'RELEASED', 'DESTROYED')),
    CONSTRAINT custody_sealed_by_state CHECK (num_nulls(sealed, data_key) = CASE WHEN state = 'DESTROYED' THEN 2 ELSE 0 END),
    CONSTRAINT custody_destroyed_by_state CHECK ((destroy_time IS NOT NULL) = (state = 'DESTROYED')),
    CONSTRAINT custody_released_by_state CHECK (
        num_nulls(demand_digest, release_evidence, release_time) IN (0, 3)
        AND (state <> 'SEALED' OR release_time IS NULL) AND (state <> 'RELEASED' OR release_time IS NOT NULL)),
    CONSTRAINT custody_approval_whole CHECK (num_nulls(
        approval_id, approval_evidence, approve_time, release_from_time, approval_expire_time) IN (0, 5)),
    CONSTRAINT custody_approval_short CHECK (
        approval_expire_time <= approve_time + interval '24 hours' AND release_from_time >= approve_time)
);
COMMENT ON TABLE portal.custody IS 'Project Keys in custody, in two layers: the inner one opens with the AccessKey alone.';
COMMENT ON COLUMN portal.custody.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.custody.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.custody.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN portal.custody.lock_epoch IS 'PUBLIC: the lock epoch that it is sealed for.';
COMMENT ON COLUMN portal.custody.generation IS 'PUBLIC: the AccessKey''s generation that it is sealed for.';
COMMENT ON COLUMN portal.custody.suite IS 'PUBLIC: which HPKE suite the inner layer is of.';
COMMENT ON COLUMN portal.custody.wrap_key_digest IS 'PSEUDONYM: SHA-256 of the wrap key that it is sealed to.';
COMMENT ON COLUMN portal.custody.sealed IS 'SECRET: the inner layer under the data key; null: destroyed.';
COMMENT ON COLUMN portal.custody.data_key IS 'SECRET: the data key, wrapped; null: destroyed, or about to be.';
COMMENT ON COLUMN portal.custody.seal_time IS 'PUBLIC: when it was sealed.';
COMMENT ON COLUMN portal.custody.request_time IS 'PUBLIC: when the claimant asked for it.';
COMMENT ON COLUMN portal.custody.approval_id IS 'PSEUDONYM: the electrician''s approval; null: there is none.';
COMMENT ON COLUMN portal.custody.approval_evidence IS 'PSEUDONYM: an encoded StepUpEvidence: the login that approved.';
COMMENT ON COLUMN portal.custody.approve_time IS 'PUBLIC: when it was approved.';
COMMENT ON COLUMN portal.custody.release_from_time IS 'PUBLIC: when the notice period ends.';
COMMENT ON COLUMN portal.custody.approval_expire_time IS 'PUBLIC: until when the approval is good.';
COMMENT ON COLUMN portal.custody.demand_digest IS 'PSEUDONYM: SHA-256 of the claimant''s signed demand: a retry is identical or none.';
COMMENT ON COLUMN portal.custody.release_evidence IS 'PSEUDONYM: an encoded ReleaseEvidence.';
COMMENT ON COLUMN portal.custody.release_time IS 'PUBLIC: when it was released.';
COMMENT ON COLUMN portal.custody.destroy_time IS 'PUBLIC: when it was destroyed.';
COMMENT ON COLUMN portal.custody.revision IS 'PUBLIC: rises with each change; the etag.';

-- Nothing is released twice, and nothing that was released or destroyed comes back but by a new seal.
CREATE FUNCTION portal.custody_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT (OLD.state, NEW.state) IN (('SEALED', 'SEALED'), ('SEALED', 'RELEASED'), ('SEALED', 'DESTROYED'),
                                      ('RELEASED', 'RELEASED'), ('RELEASED', 'DESTROYED'), ('DESTROYED', 'SEALED'))
        OR (OLD.state = 'RELEASED' AND NEW.state = 'RELEASED' AND (NEW.release_time, NEW.demand_digest)
            IS DISTINCT FROM (OLD.release_time, OLD.demand_digest))
        OR (NEW.lock_epoch, NEW.generation) < (OLD.lock_epoch, OLD.generation)
    THEN
        RAISE EXCEPTION 'custody does not move like this'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'custody_moves';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION portal.custody_before_update() FROM PUBLIC;
CREATE TRIGGER custody_before_update BEFORE UPDATE ON portal.custody
    FOR EACH ROW EXECUTE FUNCTION portal.custody_before_update();

CREATE TABLE portal.dead_data_key (
    data_key   bytea  PRIMARY KEY,
    tenant_id  uuid   NOT NULL,
    project_id uuid   NOT NULL,
    lock_epoch bigint NOT NULL,
    generation bigint NOT NULL
);
CREATE INDEX dead_data_key_by_project ON portal.dead_data_key (project_id);
COMMENT ON TABLE portal.dead_data_key IS 'Custody''s data keys that nothing needs any more, until the key port has destroyed them.';
COMMENT ON COLUMN portal.dead_data_key.data_key IS 'SECRET: the data key, wrapped.';
COMMENT ON COLUMN portal.dead_data_key.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.dead_data_key.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.dead_data_key.lock_epoch IS 'PUBLIC: a part of its context.';
COMMENT ON COLUMN portal.dead_data_key.generation IS 'PUBLIC: a part of its context.';

CREATE TABLE portal.audit_checkpoint (
    tenant_id  uuid   NOT NULL,
    sequence   bigint NOT NULL,
    record     bytea  NOT NULL,
    created_ms bigint NOT NULL,
    PRIMARY KEY (tenant_id, sequence),
    FOREIGN KEY (tenant_id, sequence) REFERENCES portal.audit_entry (tenant_id, sequence)
);
COMMENT ON TABLE portal.audit_checkpoint IS 'Signed heads of the audit chains.';
COMMENT ON COLUMN portal.audit_checkpoint.tenant_id IS 'PSEUDONYM: whose chain it is.';
COMMENT ON COLUMN portal.audit_checkpoint.sequence IS 'PUBLIC: the last entry that it covers.';
COMMENT ON COLUMN portal.audit_checkpoint.record IS 'PSEUDONYM: an encoded SignedRecord of the portal.';
COMMENT ON COLUMN portal.audit_checkpoint.created_ms IS 'PUBLIC: when it was made.';

DO $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['custody', 'dead_data_key', 'audit_checkpoint'] LOOP
        EXECUTE format('ALTER TABLE portal.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format(
            'CREATE POLICY tenant ON portal.%I USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
            ' WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', each);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON portal.custody TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.dead_data_key TO portal_service;
GRANT SELECT, INSERT ON portal.audit_checkpoint TO portal_service;

-- A directory of all tenants: how long each audit chain is, and how much of it is signed.
CREATE TABLE portal.audit_chain (
    tenant_id       uuid   PRIMARY KEY,
    sequence        bigint NOT NULL CHECK (sequence > 0),
    signed_sequence bigint NOT NULL DEFAULT 0 CHECK (signed_sequence BETWEEN 0 AND sequence)
);
CREATE INDEX audit_chain_unsigned ON portal.audit_chain (tenant_id) WHERE sequence > signed_sequence;
COMMENT ON TABLE portal.audit_chain IS 'The audit chains there are. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.audit_chain.tenant_id IS 'PSEUDONYM: whose chain it is.';
COMMENT ON COLUMN portal.audit_chain.sequence IS 'PUBLIC: its last entry.';
COMMENT ON COLUMN portal.audit_chain.signed_sequence IS 'PUBLIC: the last entry that a checkpoint covers; 0: none.';
ALTER TABLE portal.audit_entry NO FORCE ROW LEVEL SECURITY;
INSERT INTO portal.audit_chain (tenant_id, sequence)
SELECT tenant_id, max(sequence) FROM portal.audit_entry GROUP BY tenant_id;
ALTER TABLE portal.audit_entry FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE ON portal.audit_chain TO portal_service;

-- Kinds of tasks are the handlers' names; a task of no handler is put aside with that reason.
ALTER TABLE portal.task
    DROP CONSTRAINT IF EXISTS task_kind_check,
    ADD CONSTRAINT task_kind_shape CHECK (kind ~ '^[A-Z][A-Z_]{1,39}$') NOT VALID,
    ADD COLUMN last_trace_id text NOT NULL DEFAULT '',
    ADD COLUMN discard_time timestamptz,
    ADD CONSTRAINT task_discarded_is_dead CHECK (discard_time IS NULL OR dead_time IS NOT NULL) NOT VALID;
CREATE INDEX task_by_creation ON portal.task (create_time DESC, task_id DESC);
COMMENT ON COLUMN portal.task.last_trace_id IS 'PUBLIC: the trace of the last try.';
COMMENT ON COLUMN portal.task.discard_time IS 'PUBLIC: when a person gave it up; null: nobody did.';

ALTER TABLE portal.audit_entry ADD COLUMN project_id uuid;
COMMENT ON COLUMN portal.audit_entry.project_id IS 'PSEUDONYM: the project that the record''s resource is of; null: none.';
CREATE INDEX audit_entry_by_project ON portal.audit_entry (tenant_id, project_id, sequence DESC)
    WHERE project_id IS NOT NULL;

-- A directory of all tenants: what somebody did, wherever it was. Asked with the caller's own digest alone.
CREATE TABLE portal.audit_by_actor (
    actor_digest bytea  NOT NULL CHECK (octet_length(actor_digest) = 32),
    created_ms   bigint NOT NULL,
    tenant_id    uuid   NOT NULL,
    sequence     bigint NOT NULL,
    PRIMARY KEY (actor_digest, created_ms, tenant_id, sequence)
);
COMMENT ON TABLE portal.audit_by_actor IS 'Where an actor''s audit entries are. A directory of all tenants: no row security, digests alone.';
COMMENT ON COLUMN portal.audit_by_actor.actor_digest IS 'PSEUDONYM: who did it.';
COMMENT ON COLUMN portal.audit_by_actor.created_ms IS 'PUBLIC: when.';
COMMENT ON COLUMN portal.audit_by_actor.tenant_id IS 'PSEUDONYM: whose chain the entry is in.';
COMMENT ON COLUMN portal.audit_by_actor.sequence IS 'PUBLIC: its place in the chain.';
GRANT SELECT, INSERT ON portal.audit_by_actor TO portal_service;

-- A directory of all tenants: whose project it is. Its rows follow those of portal.project by themselves.
CREATE TABLE portal.project_directory (
    project_id uuid PRIMARY KEY,
    tenant_id  uuid NOT NULL
);
COMMENT ON TABLE portal.project_directory IS 'Which tenant a project is of. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.project_directory.project_id IS 'PSEUDONYM: the project, or its tombstone.';
COMMENT ON COLUMN portal.project_directory.tenant_id IS 'PSEUDONYM: the organisation.';
GRANT SELECT, INSERT, DELETE ON portal.project_directory TO portal_service;

CREATE FUNCTION portal.project_after_write() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM portal.project_directory WHERE project_id = OLD.project_id;
    END IF;
    INSERT INTO portal.project_directory (project_id, tenant_id) VALUES (NEW.project_id, NEW.tenant_id);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION portal.project_after_write() FROM PUBLIC;
CREATE TRIGGER project_after_insert AFTER INSERT ON portal.project
    FOR EACH ROW EXECUTE FUNCTION portal.project_after_write();
CREATE TRIGGER project_after_end AFTER UPDATE OF project_id ON portal.project
    FOR EACH ROW WHEN (OLD.project_id <> NEW.project_id) EXECUTE FUNCTION portal.project_after_write();

ALTER TABLE portal.project NO FORCE ROW LEVEL SECURITY;
INSERT INTO portal.project_directory (project_id, tenant_id) SELECT project_id, tenant_id FROM portal.project;
ALTER TABLE portal.project FORCE ROW LEVEL SECURITY;
