-- Why: handovers, their AccessKeys, and the claims on them. Everything here is deleted when a project is stripped.
-- Locks: portal.project SHARE ROW EXCLUSIVE for an instant, for the foreign keys.

CREATE TABLE portal.handover (
    project_id              uuid        NOT NULL,
    lock_epoch              bigint      NOT NULL CHECK (lock_epoch > 0),
    tenant_id               uuid        NOT NULL,
    mode                    text        NOT NULL CHECK (mode IN ('LOCAL', 'REMOTE')),
    state                   text        NOT NULL
        CHECK (state IN ('PENDING', 'CLAIMED', 'COMPLETED', 'DECLINED', 'CANCELLED', 'EXPIRED')),
    hub_id                  uuid        NOT NULL,
    access_key_id           uuid        NOT NULL,
    generation              bigint      NOT NULL CHECK (generation > 0),
    claimant_account_id     uuid,
    claimant_subject_digest bytea       CHECK (octet_length(claimant_subject_digest) = 32),
    claimant_public_key     bytea       CHECK (octet_length(claimant_public_key) = 32),
    lock_notice             bytea       NOT NULL,
    claim                   bytea,
    claim_grant             bytea,
    lock_release            bytea,
    receipt                 bytea,
    endorsement             bytea,
    initiate_time           timestamptz NOT NULL,
    expire_time             timestamptz NOT NULL,
    claim_time              timestamptz,
    end_time                timestamptz,
    revision                bigint      NOT NULL CHECK (revision > 0),
    PRIMARY KEY (project_id, lock_epoch),
    FOREIGN KEY (tenant_id, project_id) REFERENCES portal.project (tenant_id, project_id),
    CHECK (num_nulls(claimant_account_id, claimant_subject_digest, claimant_public_key, claim, claim_grant, claim_time)
           IN (0, 6)),
    CHECK (state NOT IN ('CLAIMED', 'COMPLETED', 'DECLINED') OR claim_time IS NOT NULL),
    CHECK ((end_time IS NULL) = (state IN ('PENDING', 'CLAIMED'))),
    CHECK ((receipt IS NOT NULL) = (state = 'COMPLETED')),
    CHECK ((lock_release IS NOT NULL) = (state IN ('DECLINED', 'CANCELLED', 'EXPIRED')))
);
-- A project is in one handover at a time.
CREATE UNIQUE INDEX handover_open ON portal.handover (project_id) WHERE state IN ('PENDING', 'CLAIMED');
COMMENT ON TABLE portal.handover IS 'Attempts to give a home to its owner, each the time of one lock epoch.';
COMMENT ON COLUMN portal.handover.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.handover.lock_epoch IS 'PUBLIC: the lock epoch.';
COMMENT ON COLUMN portal.handover.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.handover.mode IS 'PUBLIC: how the Project Key reaches the owner.';
COMMENT ON COLUMN portal.handover.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN portal.handover.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN portal.handover.access_key_id IS 'PSEUDONYM: the live or claimed AccessKey.';
COMMENT ON COLUMN portal.handover.generation IS 'PUBLIC: its generation.';
COMMENT ON COLUMN portal.handover.claimant_account_id IS 'PSEUDONYM: who has claimed.';
COMMENT ON COLUMN portal.handover.claimant_subject_digest IS 'PSEUDONYM: SHA-256 of the claimant''s issuer and subject.';
COMMENT ON COLUMN portal.handover.claimant_public_key IS 'PSEUDONYM: the claimant''s key.';
COMMENT ON COLUMN portal.handover.lock_notice IS 'PSEUDONYM: signed by the portal, for the Hub.';
COMMENT ON COLUMN portal.handover.claim IS 'PSEUDONYM: signed by the AccessKey.';
COMMENT ON COLUMN portal.handover.claim_grant IS 'PSEUDONYM: signed by the portal, for the Hub.';
COMMENT ON COLUMN portal.handover.lock_release IS 'PSEUDONYM: signed by the portal, for the Hub.';
COMMENT ON COLUMN portal.handover.receipt IS 'PSEUDONYM: signed by the Hub.';
COMMENT ON COLUMN portal.handover.endorsement IS 'PSEUDONYM: signed by the project''s owner, for the Hub.';
COMMENT ON COLUMN portal.handover.initiate_time IS 'PUBLIC: when it began.';
COMMENT ON COLUMN portal.handover.expire_time IS 'PUBLIC: when it ends by itself.';
COMMENT ON COLUMN portal.handover.claim_time IS 'PUBLIC: when it was claimed.';
COMMENT ON COLUMN portal.handover.end_time IS 'PUBLIC: when it ended.';
COMMENT ON COLUMN portal.handover.revision IS 'PUBLIC: rises with each change; the etag.';

CREATE TABLE portal.access_key (
    access_key_id       uuid        PRIMARY KEY,
    tenant_id           uuid        NOT NULL,
    project_id          uuid        NOT NULL,
    lock_epoch          bigint      NOT NULL,
    generation          bigint      NOT NULL CHECK (generation > 0),
    locator             bigint      NOT NULL CHECK (locator BETWEEN 0 AND 1073741823),
    auth_public_key     bytea       NOT NULL CHECK (octet_length(auth_public_key) = 32),
    suite               text        NOT NULL CHECK (suite IN ('MLKEM768_X25519', 'X25519')),
    wrap_public_key     bytea       NOT NULL CHECK (octet_length(wrap_public_key) IN (32, 1216)),
    endorsement         bytea,
    state               text        NOT NULL
        CHECK (state IN ('ISSUED', 'CLAIMED', 'CONSUMED', 'EXPIRED', 'REVOKED', 'SUPERSEDED')),
    expire_time         timestamptz NOT NULL,
    create_time         timestamptz NOT NULL,
    claim_time          timestamptz,
    end_time            timestamptz,
    refused_claim_count bigint      NOT NULL DEFAULT 0,
    revision            bigint      NOT NULL CHECK (revision > 0),
    UNIQUE (project_id, lock_epoch, generation),
    FOREIGN KEY (project_id, lock_epoch) REFERENCES portal.handover (project_id, lock_epoch)
        ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    CHECK (state NOT IN ('CLAIMED', 'CONSUMED') OR claim_time IS NOT NULL),
    CHECK ((end_time IS NULL) = (state IN ('ISSUED', 'CLAIMED')))
);
-- A project has one live AccessKey at most, and one claim a handover at most.
CREATE UNIQUE INDEX access_key_live ON portal.access_key (project_id) WHERE state IN ('ISSUED', 'CLAIMED');
CREATE UNIQUE INDEX access_key_claimed ON portal.access_key (project_id, lock_epoch) WHERE claim_time IS NOT NULL;
COMMENT ON TABLE portal.access_key IS 'AccessKeys: their public halves alone.';
COMMENT ON COLUMN portal.access_key.access_key_id IS 'PSEUDONYM: the AccessKey.';
COMMENT ON COLUMN portal.access_key.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.access_key.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.access_key.lock_epoch IS 'PUBLIC: the handover that it opens.';
COMMENT ON COLUMN portal.access_key.generation IS 'PUBLIC: which key of the handover.';
COMMENT ON COLUMN portal.access_key.locator IS 'PSEUDONYM: by what the portal finds it; no secret.';
COMMENT ON COLUMN portal.access_key.auth_public_key IS 'PSEUDONYM: what claims are checked with.';
COMMENT ON COLUMN portal.access_key.suite IS 'PUBLIC: what the wrap key is for.';
COMMENT ON COLUMN portal.access_key.wrap_public_key IS 'PSEUDONYM: what the Project Key is sealed to.';
COMMENT ON COLUMN portal.access_key.endorsement IS 'PSEUDONYM: signed by the project''s owner, for the Hub.';
COMMENT ON COLUMN portal.access_key.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN portal.access_key.expire_time IS 'PUBLIC: when it stops being claimable.';
COMMENT ON COLUMN portal.access_key.create_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN portal.access_key.claim_time IS 'PUBLIC: when it was claimed.';
COMMENT ON COLUMN portal.access_key.end_time IS 'PUBLIC: when it came to its end.';
COMMENT ON COLUMN portal.access_key.refused_claim_count IS 'PUBLIC: how many claims were refused.';
COMMENT ON COLUMN portal.access_key.revision IS 'PUBLIC: rises with each change; the etag.';

CREATE TABLE portal.access_key_attempt (
    attempt_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     uuid        NOT NULL,
    access_key_id uuid        NOT NULL REFERENCES portal.access_key ON DELETE CASCADE,
    reason        text        NOT NULL CHECK (reason IN
        ('WRONG_SIGNATURE', 'EXPIRED', 'REVOKED', 'ALREADY_CLAIMED', 'NONCE', 'MISMATCH')),
    attempt_time  timestamptz NOT NULL
);
CREATE INDEX access_key_attempt_by_key ON portal.access_key_attempt (tenant_id, access_key_id, attempt_id DESC);
COMMENT ON TABLE portal.access_key_attempt IS 'Refused claims, the last 200 of each AccessKey: for the project''s owner.';
COMMENT ON COLUMN portal.access_key_attempt.attempt_id IS 'PUBLIC: their order.';
COMMENT ON COLUMN portal.access_key_attempt.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.access_key_attempt.access_key_id IS 'PSEUDONYM: the AccessKey.';
COMMENT ON COLUMN portal.access_key_attempt.reason IS 'PUBLIC: why it was refused.';
COMMENT ON COLUMN portal.access_key_attempt.attempt_time IS 'PUBLIC: when.';

-- In the claimant's own tenant: which projects they have claimed, by which they find them.
CREATE TABLE portal.claimed_handover (
    tenant_id         uuid   NOT NULL,
    project_id        uuid   NOT NULL,
    lock_epoch        bigint NOT NULL,
    project_tenant_id uuid   NOT NULL,
    PRIMARY KEY (tenant_id, project_id, lock_epoch)
);
COMMENT ON TABLE portal.claimed_handover IS 'What a person has claimed. Erased with the project.';
COMMENT ON COLUMN portal.claimed_handover.tenant_id IS 'PSEUDONYM: the claimant''s own tenant.';
COMMENT ON COLUMN portal.claimed_handover.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.claimed_handover.lock_epoch IS 'PUBLIC: the handover.';
COMMENT ON COLUMN portal.claimed_handover.project_tenant_id IS 'PSEUDONYM: the organisation whose project it is.';

-- Directories of all tenants: they find what belongs to whom, and hold what must be unique among all.
CREATE TABLE portal.live_locator (
    locator       bigint PRIMARY KEY,
    tenant_id     uuid   NOT NULL,
    project_id    uuid   NOT NULL,
    access_key_id uuid   NOT NULL UNIQUE
);
COMMENT ON TABLE portal.live_locator IS 'Where a locator leads, as long as its handover is open. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.live_locator.locator IS 'PSEUDONYM: the locator.';
COMMENT ON COLUMN portal.live_locator.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.live_locator.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.live_locator.access_key_id IS 'PSEUDONYM: the AccessKey.';

CREATE TABLE portal.taken_receipt (
    receipt_digest bytea       PRIMARY KEY CHECK (octet_length(receipt_digest) = 32),
    lock_epoch     bigint      NOT NULL,
    receive_time   timestamptz NOT NULL
);
COMMENT ON TABLE portal.taken_receipt IS 'Receipts that were taken, so that the same one again has the same answer, for 90 days.';
COMMENT ON COLUMN portal.taken_receipt.receipt_digest IS 'PSEUDONYM: SHA-256 of statement and signature; says nothing to who has not the receipt.';
COMMENT ON COLUMN portal.taken_receipt.lock_epoch IS 'PUBLIC: the lock epoch that it ended.';
COMMENT ON COLUMN portal.taken_receipt.receive_time IS 'PUBLIC: when it was first taken.';

CREATE TABLE portal.spent_proof (
    proof_digest bytea       PRIMARY KEY CHECK (octet_length(proof_digest) = 32),
    expire_time  timestamptz NOT NULL
);
CREATE INDEX spent_proof_by_end ON portal.spent_proof (expire_time);
COMMENT ON TABLE portal.spent_proof IS 'Nonces and step-ups that have had their one effect, until they would end by themselves. Belongs to no tenant.';
COMMENT ON COLUMN portal.spent_proof.proof_digest IS 'SECRET: SHA-256 of the nonce or token id.';
COMMENT ON COLUMN portal.spent_proof.expire_time IS 'PUBLIC: when it may be forgotten.';

DO $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['handover', 'access_key', 'access_key_attempt', 'claimed_handover'] LOOP
        EXECUTE format('ALTER TABLE portal.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format(
            'CREATE POLICY tenant ON portal.%I USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
            ' WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', each);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE, DELETE ON portal.handover, portal.access_key TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.access_key_attempt, portal.claimed_handover, portal.live_locator,
    portal.taken_receipt, portal.spent_proof TO portal_service;
