-- Why: projects. What names a person or a place is in one sealed column, under a data key of the project's own: whoever
-- destroys the key has erased it, also in backups (ADR 0071). The state moves only as the transition table says.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE portal.project (
    project_id           uuid        PRIMARY KEY,
    tenant_id            uuid        NOT NULL REFERENCES portal.organization,
    owner_member_id      uuid,
    state                text        NOT NULL,
    suspend_reason       text        CHECK (suspend_reason IN ('ADMIN', 'LICENSE_LAPSED', 'ORGANIZATION', 'SUPPORT')),
    hub_id               uuid,
    lock_epoch           bigint      NOT NULL DEFAULT 0 CHECK (lock_epoch >= 0),
    claimed              boolean     NOT NULL DEFAULT false,
    freeze_count         integer     NOT NULL DEFAULT 0 CHECK (freeze_count >= 0),
    template_version     text        NOT NULL,
    sealed               bytea,
    data_key             bytea,
    revision             bigint      NOT NULL CHECK (revision > 0),
    event_sequence       bigint      NOT NULL DEFAULT 0 CHECK (event_sequence >= 0),
    create_time          timestamptz NOT NULL,
    update_time          timestamptz NOT NULL,
    ready_time           timestamptz,
    hand_over_time       timestamptz,
    strip_time           timestamptz,
    end_mode             text        CHECK (end_mode IN ('LOCAL', 'REMOTE')),
    participant_count    integer     NOT NULL DEFAULT 0,
    plan_count           integer     NOT NULL DEFAULT 0,
    checklist_item_count integer     NOT NULL DEFAULT 0,
    erasure_receipt_id   uuid,
    FOREIGN KEY (tenant_id, owner_member_id) REFERENCES portal.member (tenant_id, member_id),
    UNIQUE (tenant_id, project_id)
);
COMMENT ON TABLE portal.project IS 'Projects, and the tombstones of those that are over.';
COMMENT ON COLUMN portal.project.project_id IS 'PSEUDONYM: the project; replaced by a random id when it is over.';
COMMENT ON COLUMN portal.project.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.project.owner_member_id IS 'PSEUDONYM: the electrician who answers for it; null: it is over.';
COMMENT ON COLUMN portal.project.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN portal.project.suspend_reason IS 'PUBLIC: why it stands still; null: it does not.';
COMMENT ON COLUMN portal.project.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN portal.project.lock_epoch IS 'PUBLIC: how often it was locked; never falls.';
COMMENT ON COLUMN portal.project.claimed IS 'PUBLIC: whether a homeowner has claimed the handover.';
COMMENT ON COLUMN portal.project.freeze_count IS 'PUBLIC: how often its plans were frozen.';
COMMENT ON COLUMN portal.project.template_version IS 'PSEUDONYM: what it started from; empty: nothing.';
COMMENT ON COLUMN portal.project.sealed IS 'PII: name, reference, address, customer and notes, under the project data key; null: erased.';
COMMENT ON COLUMN portal.project.data_key IS 'SECRET: the project data key, wrapped; null: destroyed.';
COMMENT ON COLUMN portal.project.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.project.event_sequence IS 'PUBLIC: how many events were told of it.';
COMMENT ON COLUMN portal.project.create_time IS 'PUBLIC: when it was made; the day alone when it is over.';
COMMENT ON COLUMN portal.project.update_time IS 'PUBLIC: when it last changed; the day alone when it is over.';
COMMENT ON COLUMN portal.project.ready_time IS 'PUBLIC: when it was last marked ready; the day alone when it is over.';
COMMENT ON COLUMN portal.project.hand_over_time IS 'PUBLIC: when the receipt was taken; the day alone when it is over.';
COMMENT ON COLUMN portal.project.strip_time IS 'PUBLIC: the day on which it was stripped or cancelled.';
COMMENT ON COLUMN portal.project.end_mode IS 'PUBLIC: how it was handed over; null: it was not.';
COMMENT ON COLUMN portal.project.participant_count IS 'PUBLIC: how many worked on it; counted at its end.';
COMMENT ON COLUMN portal.project.plan_count IS 'PUBLIC: how many plans it had; counted at its end.';
COMMENT ON COLUMN portal.project.checklist_item_count IS 'PUBLIC: how many checklist items it had; counted at its end.';
COMMENT ON COLUMN portal.project.erasure_receipt_id IS 'PSEUDONYM: the proof of its erasure.';
CREATE INDEX project_by_update ON portal.project (tenant_id, update_time DESC, project_id DESC);
CREATE INDEX project_by_creation ON portal.project (tenant_id, create_time, project_id);
CREATE INDEX project_by_owner ON portal.project (tenant_id, owner_member_id);

-- Made from portal_svc/domain/handover.py by portal_svc/domain/handover_sql.py: begin
ALTER TABLE portal.project
    ADD CONSTRAINT project_state_known CHECK (state IN ('DRAFT', 'INSTALLING', 'READY', 'PENDING_HANDOVER', 'HANDED_OVER', 'STRIPPED', 'CANCELLED')),
    ADD CONSTRAINT project_bound_by_state CHECK ((hub_id IS NOT NULL) = (state IN ('INSTALLING', 'READY', 'PENDING_HANDOVER', 'HANDED_OVER'))),
    ADD CONSTRAINT project_sealed_by_state CHECK (
        num_nulls(sealed, data_key, owner_member_id) = CASE WHEN state IN ('STRIPPED', 'CANCELLED') THEN 3 ELSE 0 END),
    ADD CONSTRAINT project_claimed_by_state CHECK (
        NOT claimed OR state IN ('PENDING_HANDOVER', 'HANDED_OVER', 'STRIPPED')),
    ADD CONSTRAINT project_locked_by_state CHECK (state <> 'PENDING_HANDOVER' OR lock_epoch > 0);

CREATE FUNCTION portal.project_before_write() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('DRAFT') OR NEW.lock_epoch <> 0 THEN
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
            ('DRAFT', 'INSTALLING'),
            ('DRAFT', 'CANCELLED'),
            ('INSTALLING', 'DRAFT'),
            ('INSTALLING', 'READY'),
            ('INSTALLING', 'CANCELLED'),
            ('READY', 'INSTALLING'),
            ('READY', 'PENDING_HANDOVER'),
            ('READY', 'CANCELLED'),
            ('PENDING_HANDOVER', 'READY'),
            ('PENDING_HANDOVER', 'HANDED_OVER'),
            ('HANDED_OVER', 'STRIPPED')) THEN
        RAISE EXCEPTION 'the transition table has no such way'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_transition';
    END IF;
    IF NEW.state = 'PENDING_HANDOVER' AND OLD.state <> NEW.state AND NEW.lock_epoch <> OLD.lock_epoch + 1 THEN
        RAISE EXCEPTION 'a lock has an epoch of its own'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'project_lock_epoch';
    END IF;
    RETURN NEW;
END $$;
-- Made from portal_svc/domain/handover.py: end
REVOKE EXECUTE ON FUNCTION portal.project_before_write() FROM PUBLIC;
CREATE TRIGGER project_before_write BEFORE INSERT OR UPDATE ON portal.project
    FOR EACH ROW EXECUTE FUNCTION portal.project_before_write();

CREATE TABLE portal.project_words (
    project_id uuid    PRIMARY KEY REFERENCES portal.project ON DELETE CASCADE,
    tenant_id  uuid    NOT NULL,
    words      bytea[] NOT NULL
);
COMMENT ON TABLE portal.project_words IS 'By what a project is found: keyed digests of the beginnings of its words. Erased with the project.';
COMMENT ON COLUMN portal.project_words.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.project_words.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.project_words.words IS 'PII: HMAC-SHA256 of each beginning under the organisation''s search key, 8 bytes each.';
CREATE INDEX project_words_by_tenant ON portal.project_words (tenant_id);

CREATE TABLE portal.participant (
    participant_id uuid        PRIMARY KEY,
    tenant_id      uuid        NOT NULL,
    project_id     uuid        NOT NULL,
    member_id      uuid        NOT NULL,
    role           text        NOT NULL CHECK (role IN ('VIEWER', 'INSTALLER')),
    revision       bigint      NOT NULL CHECK (revision > 0),
    create_time    timestamptz NOT NULL,
    UNIQUE (project_id, member_id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES portal.project (tenant_id, project_id),
    FOREIGN KEY (tenant_id, member_id) REFERENCES portal.member (tenant_id, member_id) ON DELETE CASCADE
);
COMMENT ON TABLE portal.participant IS 'Members who work on projects that they do not own. Erased with the project.';
COMMENT ON COLUMN portal.participant.participant_id IS 'PSEUDONYM: the participant.';
COMMENT ON COLUMN portal.participant.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.participant.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.participant.member_id IS 'PSEUDONYM: the member.';
COMMENT ON COLUMN portal.participant.role IS 'PUBLIC: what they may do.';
COMMENT ON COLUMN portal.participant.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.participant.create_time IS 'PUBLIC: when they came.';
CREATE INDEX participant_by_member ON portal.participant (tenant_id, member_id);

CREATE TABLE portal.checklist_item (
    checklist_item_id uuid    PRIMARY KEY,
    tenant_id         uuid    NOT NULL,
    project_id        uuid    NOT NULL,
    required          boolean NOT NULL,
    place             bigint  NOT NULL CHECK (place BETWEEN 0 AND 4294967295),
    state             text    NOT NULL CHECK (state IN ('OPEN', 'DONE', 'SKIPPED')),
    closer_member_id  uuid,
    close_time        timestamptz,
    sealed            bytea   NOT NULL,
    revision          bigint  NOT NULL CHECK (revision > 0),
    FOREIGN KEY (tenant_id, project_id) REFERENCES portal.project (tenant_id, project_id),
    CHECK (state <> 'SKIPPED' OR NOT required),
    CHECK ((close_time IS NULL) = (state = 'OPEN'))
);
COMMENT ON TABLE portal.checklist_item IS 'What is to do before a project is ready. Erased with the project.';
COMMENT ON COLUMN portal.checklist_item.checklist_item_id IS 'PSEUDONYM: the item.';
COMMENT ON COLUMN portal.checklist_item.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.checklist_item.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.checklist_item.required IS 'PUBLIC: whether the project can be ready without it.';
COMMENT ON COLUMN portal.checklist_item.place IS 'PUBLIC: where it stands.';
COMMENT ON COLUMN portal.checklist_item.state IS 'PUBLIC: whether it is done.';
COMMENT ON COLUMN portal.checklist_item.closer_member_id IS 'PSEUDONYM: who did it; null: it is open, or they left.';
COMMENT ON COLUMN portal.checklist_item.close_time IS 'PUBLIC: when it was done; null: it is open.';
COMMENT ON COLUMN portal.checklist_item.sealed IS 'PII: title, description and note, under the project data key.';
COMMENT ON COLUMN portal.checklist_item.revision IS 'PUBLIC: rises with each change; the etag.';
CREATE INDEX checklist_item_by_place ON portal.checklist_item (tenant_id, project_id, place, checklist_item_id);

CREATE TABLE portal.binding_nonce (
    nonce_digest bytea       PRIMARY KEY CHECK (octet_length(nonce_digest) = 32),
    tenant_id    uuid        NOT NULL,
    project_id   uuid        NOT NULL,
    hub_id       uuid        NOT NULL,
    expire_time  timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, project_id) REFERENCES portal.project (tenant_id, project_id)
);
COMMENT ON TABLE portal.binding_nonce IS 'Nonces for Hubs to sign, each good once and for ten minutes.';
COMMENT ON COLUMN portal.binding_nonce.nonce_digest IS 'SECRET: SHA-256 of the nonce.';
COMMENT ON COLUMN portal.binding_nonce.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.binding_nonce.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.binding_nonce.hub_id IS 'PSEUDONYM: the Hub that is to sign.';
COMMENT ON COLUMN portal.binding_nonce.expire_time IS 'PUBLIC: when it stops being good.';
CREATE INDEX binding_nonce_by_project ON portal.binding_nonce (tenant_id, project_id);

-- A directory of all tenants: by which project a Hub is found, and that it is in one live project alone.
CREATE TABLE portal.live_hub (
    hub_id              uuid   PRIMARY KEY,
    tenant_id           uuid   NOT NULL,
    project_id          uuid   NOT NULL UNIQUE,
    identity_public_key bytea  NOT NULL CHECK (octet_length(identity_public_key) = 32)
);
COMMENT ON TABLE portal.live_hub IS 'Which project has which Hub. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.live_hub.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN portal.live_hub.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.live_hub.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.live_hub.identity_public_key IS 'PSEUDONYM: the Hub''s device identity key, as the registry had it when the Hub was bound.';

DO $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['project', 'project_words', 'participant', 'checklist_item', 'binding_nonce'] LOOP
        EXECUTE format('ALTER TABLE portal.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format(
            'CREATE POLICY tenant ON portal.%I USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
            ' WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', each);
    END LOOP;
END $$;

-- Projects are not deleted: they end as tombstones.
GRANT SELECT, INSERT, UPDATE ON portal.project TO portal_service;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON portal.project_words, portal.participant, portal.checklist_item TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.binding_nonce, portal.live_hub TO portal_service;
