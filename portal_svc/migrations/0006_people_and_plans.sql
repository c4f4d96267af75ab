-- Why: templates that projects start from, plans whose bytes are objects, invitations, API tokens, and what a person may
-- ask of us about themselves: where they belong, a copy of what we hold, and to be forgotten.
-- Locks: portal.checklist_item against writing while its index is made. Members are read once, to fill the memberships.

-- A template belongs to an organisation, or to Ora: the tenant of no organisation.
CREATE TABLE portal.project_template (
    template_id    uuid        PRIMARY KEY,
    tenant_id      uuid        NOT NULL,
    display_name   text        NOT NULL,
    description    text        NOT NULL,
    shared         boolean     NOT NULL,
    state          text        NOT NULL CHECK (state IN ('ACTIVE', 'ARCHIVED')),
    latest_version integer     NOT NULL CHECK (latest_version >= 0),
    revision       bigint      NOT NULL CHECK (revision > 0),
    create_time    timestamptz NOT NULL,
    update_time    timestamptz NOT NULL
);
CREATE INDEX project_template_by_name ON portal.project_template (tenant_id, display_name, template_id);
CREATE INDEX project_template_shared ON portal.project_template (display_name, template_id) WHERE shared;
COMMENT ON TABLE portal.project_template IS 'Ways of working that projects start from. Shared ones are read by every organisation.';
COMMENT ON COLUMN portal.project_template.template_id IS 'PSEUDONYM: the template.';
COMMENT ON COLUMN portal.project_template.tenant_id IS 'PSEUDONYM: whose it is.';
COMMENT ON COLUMN portal.project_template.display_name IS 'PUBLIC: its title.';
COMMENT ON COLUMN portal.project_template.description IS 'PUBLIC: what it is for.';
COMMENT ON COLUMN portal.project_template.shared IS 'PUBLIC: whether other organisations may use it.';
COMMENT ON COLUMN portal.project_template.state IS 'PUBLIC: whether projects may start from it.';
COMMENT ON COLUMN portal.project_template.latest_version IS 'PUBLIC: its newest version; 0: none.';
COMMENT ON COLUMN portal.project_template.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.project_template.create_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN portal.project_template.update_time IS 'PUBLIC: when it last changed.';

CREATE TABLE portal.project_template_version (
    template_id uuid        NOT NULL REFERENCES portal.project_template,
    number      integer     NOT NULL CHECK (number > 0),
    tenant_id   uuid        NOT NULL,
    content     bytea       NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (template_id, number)
);
COMMENT ON TABLE portal.project_template_version IS 'What a template said at one time. Never changed.';
COMMENT ON COLUMN portal.project_template_version.template_id IS 'PSEUDONYM: the template.';
COMMENT ON COLUMN portal.project_template_version.number IS 'PUBLIC: which version.';
COMMENT ON COLUMN portal.project_template_version.tenant_id IS 'PSEUDONYM: whose it is.';
COMMENT ON COLUMN portal.project_template_version.content IS 'PUBLIC: an encoded ProjectTemplateVersion: checklist, plans and note.';
COMMENT ON COLUMN portal.project_template_version.create_time IS 'PUBLIC: when it was made.';

-- Belongs to no tenant: random ids alone, so that what no row names can be found.
CREATE TABLE portal.stored_object (
    object_id uuid PRIMARY KEY,
    doom_time timestamptz
);
CREATE INDEX stored_object_doomed ON portal.stored_object (doom_time) WHERE doom_time IS NOT NULL;
COMMENT ON TABLE portal.stored_object IS 'Objects that a row names, or named until a job has deleted them. Belongs to no tenant.';
COMMENT ON COLUMN portal.stored_object.object_id IS 'PSEUDONYM: the object.';
COMMENT ON COLUMN portal.stored_object.doom_time IS 'PUBLIC: since when nothing needs it; null: something does.';

CREATE TABLE portal.plan (
    project_id      uuid        NOT NULL,
    plan_id         uuid        NOT NULL,
    tenant_id       uuid        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN ('FLOOR_PLAN', 'PAIRING_PLAN')),
    required        boolean     NOT NULL,
    sealed_title    bytea       NOT NULL CHECK (octet_length(sealed_title) <= 512),
    latest_revision integer     NOT NULL CHECK (latest_revision >= 0),
    frozen_revision integer     NOT NULL CHECK (frozen_revision BETWEEN 0 AND latest_revision),
    revision        bigint      NOT NULL CHECK (revision > 0),
    create_time     timestamptz NOT NULL,
    update_time     timestamptz,
    PRIMARY KEY (project_id, plan_id),
    FOREIGN KEY (tenant_id, project_id) REFERENCES portal.project (tenant_id, project_id),
    CHECK ((update_time IS NULL) = (latest_revision = 0))
);
COMMENT ON TABLE portal.plan IS 'Sealed drawings and lists. Erased with the project.';
COMMENT ON COLUMN portal.plan.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.plan.plan_id IS 'PSEUDONYM: the plan, as its seal names it.';
COMMENT ON COLUMN portal.plan.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.plan.kind IS 'PUBLIC: what it shows.';
COMMENT ON COLUMN portal.plan.required IS 'PUBLIC: whether the template asks for it.';
COMMENT ON COLUMN portal.plan.sealed_title IS 'OPAQUE: its title, sealed by the client; empty: none.';
COMMENT ON COLUMN portal.plan.latest_revision IS 'PUBLIC: its newest revision; 0: none.';
COMMENT ON COLUMN portal.plan.frozen_revision IS 'PUBLIC: the revision that is handed over; 0: none.';
COMMENT ON COLUMN portal.plan.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.plan.create_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN portal.plan.update_time IS 'PUBLIC: when its newest revision was committed.';
CREATE INDEX plan_by_age ON portal.plan (tenant_id, project_id, create_time, plan_id);

CREATE TABLE portal.plan_revision (
    project_id       uuid        NOT NULL,
    plan_id          uuid        NOT NULL,
    number           integer     NOT NULL CHECK (number > 0),
    tenant_id        uuid        NOT NULL,
    object_id        uuid        NOT NULL UNIQUE REFERENCES portal.stored_object,
    size_bytes       bigint      NOT NULL,
    digest           bytea       NOT NULL CHECK (octet_length(digest) = 32),
    key_epoch        bigint      NOT NULL CHECK (key_epoch > 0),
    author_member_id uuid,
    create_time      timestamptz NOT NULL,
    PRIMARY KEY (project_id, plan_id, number),
    FOREIGN KEY (project_id, plan_id) REFERENCES portal.plan ON DELETE CASCADE
);
COMMENT ON TABLE portal.plan_revision IS 'Committed states of plans. Erased with the project.';
COMMENT ON COLUMN portal.plan_revision.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.plan_revision.plan_id IS 'PSEUDONYM: the plan.';
COMMENT ON COLUMN portal.plan_revision.number IS 'PUBLIC: which revision.';
COMMENT ON COLUMN portal.plan_revision.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.plan_revision.object_id IS 'PSEUDONYM: the object that holds its bytes, which the client sealed.';
COMMENT ON COLUMN portal.plan_revision.size_bytes IS 'PUBLIC: its length, one of the buckets.';
COMMENT ON COLUMN portal.plan_revision.digest IS 'PSEUDONYM: SHA-256 of the sealed bytes.';
COMMENT ON COLUMN portal.plan_revision.key_epoch IS 'PUBLIC: which Project Key it is sealed under.';
COMMENT ON COLUMN portal.plan_revision.author_member_id IS 'PSEUDONYM: who committed it; null: a program, or they left.';
COMMENT ON COLUMN portal.plan_revision.create_time IS 'PUBLIC: when it was committed.';
CREATE INDEX plan_revision_by_author ON portal.plan_revision (tenant_id, author_member_id);

CREATE TABLE portal.plan_upload (
    upload_id     uuid        PRIMARY KEY,
    tenant_id     uuid        NOT NULL,
    project_id    uuid        NOT NULL,
    plan_id       uuid        NOT NULL,
    number        integer     NOT NULL CHECK (number > 0),
    size_bytes    bigint      NOT NULL,
    digest        bytea       NOT NULL CHECK (octet_length(digest) = 32),
    key_epoch     bigint      NOT NULL CHECK (key_epoch > 0),
    offset_bytes  bigint      NOT NULL CHECK (offset_bytes BETWEEN 0 AND size_bytes),
    state         text        NOT NULL CHECK (state IN ('OPEN', 'COMMITTED', 'ABORTED')),
    opener_digest bytea       NOT NULL CHECK (octet_length(opener_digest) = 32),
    expire_time   timestamptz NOT NULL,
    FOREIGN KEY (project_id, plan_id) REFERENCES portal.plan ON DELETE CASCADE
);
COMMENT ON TABLE portal.plan_upload IS 'Revisions on their way, and for a day those that arrived. Erased with the project.';
COMMENT ON COLUMN portal.plan_upload.upload_id IS 'PSEUDONYM: the upload.';
COMMENT ON COLUMN portal.plan_upload.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.plan_upload.project_id IS 'PSEUDONYM: the project.';
COMMENT ON COLUMN portal.plan_upload.plan_id IS 'PSEUDONYM: the plan.';
COMMENT ON COLUMN portal.plan_upload.number IS 'PUBLIC: the revision that it is to be.';
COMMENT ON COLUMN portal.plan_upload.size_bytes IS 'PUBLIC: how many bytes come.';
COMMENT ON COLUMN portal.plan_upload.digest IS 'PSEUDONYM: SHA-256 of the sealed bytes.';
COMMENT ON COLUMN portal.plan_upload.key_epoch IS 'PUBLIC: which Project Key they are sealed under.';
COMMENT ON COLUMN portal.plan_upload.offset_bytes IS 'PUBLIC: how many bytes are here.';
COMMENT ON COLUMN portal.plan_upload.state IS 'PUBLIC: whether more can come.';
COMMENT ON COLUMN portal.plan_upload.opener_digest IS 'PSEUDONYM: who opened it, as the audit names them.';
COMMENT ON COLUMN portal.plan_upload.expire_time IS 'PUBLIC: when it is given up.';
CREATE INDEX plan_upload_by_plan ON portal.plan_upload (project_id, plan_id);

CREATE TABLE portal.plan_upload_piece (
    upload_id    uuid   NOT NULL REFERENCES portal.plan_upload ON DELETE CASCADE,
    offset_bytes bigint NOT NULL,
    tenant_id    uuid   NOT NULL,
    length_bytes bigint NOT NULL CHECK (length_bytes > 0),
    object_id    uuid   NOT NULL UNIQUE REFERENCES portal.stored_object,
    PRIMARY KEY (upload_id, offset_bytes)
);
COMMENT ON TABLE portal.plan_upload_piece IS 'The stored pieces of an upload.';
COMMENT ON COLUMN portal.plan_upload_piece.upload_id IS 'PSEUDONYM: the upload.';
COMMENT ON COLUMN portal.plan_upload_piece.offset_bytes IS 'PUBLIC: where the piece begins.';
COMMENT ON COLUMN portal.plan_upload_piece.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.plan_upload_piece.length_bytes IS 'PUBLIC: how long it is.';
COMMENT ON COLUMN portal.plan_upload_piece.object_id IS 'PSEUDONYM: the object that holds it.';

CREATE TABLE portal.invitation (
    invitation_id     uuid        PRIMARY KEY,
    tenant_id         uuid        NOT NULL REFERENCES portal.organization,
    email             text,
    role              text        NOT NULL CHECK (role IN ('ELECTRICIAN', 'ADMIN')),
    state             text        NOT NULL CHECK (state IN ('PENDING', 'ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED')),
    inviter_member_id uuid,
    locator           bytea       NOT NULL CHECK (octet_length(locator) = 8),
    code_digest       bytea       CHECK (octet_length(code_digest) = 32),
    expire_time       timestamptz NOT NULL,
    create_time       timestamptz NOT NULL,
    end_time          timestamptz,
    member_id         uuid,
    CHECK (num_nulls(email, code_digest) = CASE WHEN state = 'PENDING' THEN 0 ELSE 2 END),
    CHECK ((end_time IS NULL) = (state = 'PENDING')),
    CHECK (member_id IS NULL OR state = 'ACCEPTED')
);
CREATE UNIQUE INDEX invitation_open ON portal.invitation (tenant_id, lower(email)) WHERE state = 'PENDING';
CREATE INDEX invitation_by_age ON portal.invitation (tenant_id, create_time DESC, invitation_id DESC);
COMMENT ON TABLE portal.invitation IS 'Invitations to join an organisation; an address is erased when its invitation ends.';
COMMENT ON COLUMN portal.invitation.invitation_id IS 'PSEUDONYM: the invitation.';
COMMENT ON COLUMN portal.invitation.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.invitation.email IS 'PII: who is meant; null: it has ended.';
COMMENT ON COLUMN portal.invitation.role IS 'PUBLIC: what the new member may do.';
COMMENT ON COLUMN portal.invitation.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN portal.invitation.inviter_member_id IS 'PSEUDONYM: who invited; null: they left.';
COMMENT ON COLUMN portal.invitation.locator IS 'PSEUDONYM: by what the code finds it; no secret.';
COMMENT ON COLUMN portal.invitation.code_digest IS 'SECRET: SHA-256 of the code; null: it has ended.';
COMMENT ON COLUMN portal.invitation.expire_time IS 'PUBLIC: when the code stops working.';
COMMENT ON COLUMN portal.invitation.create_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN portal.invitation.end_time IS 'PUBLIC: when it ended; null: it is open.';
COMMENT ON COLUMN portal.invitation.member_id IS 'PSEUDONYM: who it became; null: nobody, or they left.';

-- A directory of all tenants: where an invitation's code leads.
CREATE TABLE portal.live_invitation (
    locator       bytea PRIMARY KEY CHECK (octet_length(locator) = 8),
    tenant_id     uuid  NOT NULL,
    invitation_id uuid  NOT NULL UNIQUE
);
COMMENT ON TABLE portal.live_invitation IS 'Where a code leads. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.live_invitation.locator IS 'PSEUDONYM: 8 bytes of a hash of the code, of whose 128 bits it leaves enough unknown.';
COMMENT ON COLUMN portal.live_invitation.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.live_invitation.invitation_id IS 'PSEUDONYM: the invitation.';

-- In each person's own tenant: to which organisations they belong.
CREATE TABLE portal.membership (
    tenant_id       uuid NOT NULL,
    organization_id uuid NOT NULL,
    member_id       uuid NOT NULL,
    PRIMARY KEY (tenant_id, organization_id)
);
COMMENT ON TABLE portal.membership IS 'To which organisations a person belongs. A row goes when the person goes.';
COMMENT ON COLUMN portal.membership.tenant_id IS 'PSEUDONYM: the person''s own tenant.';
COMMENT ON COLUMN portal.membership.organization_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.membership.member_id IS 'PSEUDONYM: who they are there.';
ALTER TABLE portal.member NO FORCE ROW LEVEL SECURITY;
INSERT INTO portal.membership (tenant_id, organization_id, member_id)
SELECT encode(set_byte(set_byte(own, 6, get_byte(own, 6) & 15 | 128), 8, get_byte(own, 8) & 63 | 128), 'hex')::uuid,
       tenant_id, member_id
  FROM (SELECT tenant_id, member_id,
               substring(sha256('ora personal tenant v1'::bytea || '\x00'::bytea || subject_digest) FOR 16) AS own
          FROM portal.member) AS everybody;
ALTER TABLE portal.member FORCE ROW LEVEL SECURITY;

CREATE TABLE portal.api_token (
    api_token_id      uuid        PRIMARY KEY,
    tenant_id         uuid        NOT NULL REFERENCES portal.organization,
    token_id          bytea       NOT NULL UNIQUE CHECK (octet_length(token_id) = 8),
    secret_digest     bytea       NOT NULL CHECK (octet_length(secret_digest) = 32),
    display_name      text        NOT NULL,
    scopes            text[]      NOT NULL,
    creator_member_id uuid,
    expire_time       timestamptz NOT NULL,
    create_time       timestamptz NOT NULL,
    revoke_time       timestamptz,
    last_use_day      date
);
CREATE INDEX api_token_by_age ON portal.api_token (tenant_id, create_time DESC, api_token_id DESC);
COMMENT ON TABLE portal.api_token IS 'Tokens of organisations'' own software: hashes alone.';
COMMENT ON COLUMN portal.api_token.api_token_id IS 'PSEUDONYM: the token''s record.';
COMMENT ON COLUMN portal.api_token.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.api_token.token_id IS 'PSEUDONYM: the part of the token that is no secret.';
COMMENT ON COLUMN portal.api_token.secret_digest IS 'SECRET: SHA-256 of the token.';
COMMENT ON COLUMN portal.api_token.display_name IS 'PII: what it is for, in an administrator''s words.';
COMMENT ON COLUMN portal.api_token.scopes IS 'PUBLIC: what it may do.';
COMMENT ON COLUMN portal.api_token.creator_member_id IS 'PSEUDONYM: who made it; null: they left.';
COMMENT ON COLUMN portal.api_token.expire_time IS 'PUBLIC: when it stops working.';
COMMENT ON COLUMN portal.api_token.create_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN portal.api_token.revoke_time IS 'PUBLIC: when it was revoked; null: it was not.';
COMMENT ON COLUMN portal.api_token.last_use_day IS 'PUBLIC: the day of its last use; null: never used.';

-- A directory of all tenants: whose a token is.
CREATE TABLE portal.live_api_token (
    token_id     bytea PRIMARY KEY CHECK (octet_length(token_id) = 8),
    tenant_id    uuid  NOT NULL,
    api_token_id uuid  NOT NULL UNIQUE
);
COMMENT ON TABLE portal.live_api_token IS 'Whose a token is, until it is revoked. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.live_api_token.token_id IS 'PSEUDONYM: the part of the token that is no secret.';
COMMENT ON COLUMN portal.live_api_token.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.live_api_token.api_token_id IS 'PSEUDONYM: the token''s record.';

-- In each person's own tenant: copies of what we hold on them, and their wish to be forgotten.
CREATE TABLE portal.data_export (
    export_id   uuid        PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('PENDING', 'READY', 'EXPIRED')),
    sealed      bytea,
    data_key    bytea,
    size_bytes  bigint      NOT NULL,
    digest      bytea       CHECK (octet_length(digest) = 32),
    create_time timestamptz NOT NULL,
    expire_time timestamptz,
    CHECK (num_nulls(sealed, data_key) = CASE WHEN state = 'READY' THEN 0 ELSE 2 END),
    CHECK (num_nulls(digest, expire_time) = CASE WHEN state = 'PENDING' THEN 2 ELSE 0 END)
);
CREATE INDEX data_export_by_age ON portal.data_export (tenant_id, create_time DESC, export_id DESC);
COMMENT ON TABLE portal.data_export IS 'Copies of what is held on one person, for 7 days.';
COMMENT ON COLUMN portal.data_export.export_id IS 'PSEUDONYM: the export.';
COMMENT ON COLUMN portal.data_export.tenant_id IS 'PSEUDONYM: the person''s own tenant.';
COMMENT ON COLUMN portal.data_export.state IS 'PUBLIC: whether it can be fetched.';
COMMENT ON COLUMN portal.data_export.sealed IS 'PII: the copy, under a data key of its own; null: not ready, or destroyed.';
COMMENT ON COLUMN portal.data_export.data_key IS 'SECRET: the data key, wrapped; null: none, or destroyed.';
COMMENT ON COLUMN portal.data_export.size_bytes IS 'PUBLIC: its length.';
COMMENT ON COLUMN portal.data_export.digest IS 'PSEUDONYM: SHA-256 of the copy.';
COMMENT ON COLUMN portal.data_export.create_time IS 'PUBLIC: when it was asked for.';
COMMENT ON COLUMN portal.data_export.expire_time IS 'PUBLIC: when it is destroyed.';

CREATE TABLE portal.erasure_request (
    request_id  uuid        PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('SCHEDULED', 'CANCELLED')),
    start_time  timestamptz NOT NULL,
    create_time timestamptz NOT NULL
);
CREATE UNIQUE INDEX erasure_request_open ON portal.erasure_request (tenant_id) WHERE state = 'SCHEDULED';
CREATE INDEX erasure_request_by_age ON portal.erasure_request (tenant_id, create_time DESC, request_id DESC);
COMMENT ON TABLE portal.erasure_request IS 'Wishes to be forgotten. A row goes with the account.';
COMMENT ON COLUMN portal.erasure_request.request_id IS 'PSEUDONYM: the wish.';
COMMENT ON COLUMN portal.erasure_request.tenant_id IS 'PSEUDONYM: the person''s own tenant.';
COMMENT ON COLUMN portal.erasure_request.state IS 'PUBLIC: whether it was taken back.';
COMMENT ON COLUMN portal.erasure_request.start_time IS 'PUBLIC: when it is done.';
COMMENT ON COLUMN portal.erasure_request.create_time IS 'PUBLIC: when it was made.';

DO $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['project_template', 'project_template_version', 'plan', 'plan_revision', 'plan_upload',
                                'plan_upload_piece', 'invitation', 'membership', 'api_token', 'data_export',
                                'erasure_request'] LOOP
        EXECUTE format('ALTER TABLE portal.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format(
            'CREATE POLICY tenant ON portal.%I USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
            ' WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', each);
    END LOOP;
END $$;
-- What is shared is read in every tenant, and in no transaction of none; a version is read where its template is.
CREATE POLICY shared ON portal.project_template FOR SELECT
    USING (shared AND nullif(current_setting('app.tenant_id', true), '') IS NOT NULL);
CREATE POLICY shared ON portal.project_template_version FOR SELECT
    USING (EXISTS (SELECT FROM portal.project_template t WHERE t.template_id = project_template_version.template_id));

GRANT SELECT, INSERT ON portal.project_template, portal.project_template_version TO portal_service;
GRANT UPDATE (display_name, description, shared, state, latest_version, revision, update_time)
    ON portal.project_template TO portal_service;
GRANT SELECT, INSERT, DELETE, UPDATE (doom_time) ON portal.stored_object TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.plan, portal.plan_revision, portal.plan_upload, portal.plan_upload_piece
    TO portal_service;
GRANT UPDATE (latest_revision, frozen_revision, revision, update_time) ON portal.plan TO portal_service;
GRANT UPDATE (author_member_id) ON portal.plan_revision TO portal_service;
GRANT UPDATE (offset_bytes, state, expire_time) ON portal.plan_upload TO portal_service;
GRANT SELECT, INSERT ON portal.invitation TO portal_service;
GRANT UPDATE (email, state, inviter_member_id, code_digest, end_time, member_id) ON portal.invitation TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.live_invitation, portal.membership, portal.live_api_token TO portal_service;
GRANT UPDATE (member_id) ON portal.membership TO portal_service;
GRANT SELECT, INSERT ON portal.api_token TO portal_service;
GRANT UPDATE (display_name, creator_member_id, revoke_time, last_use_day) ON portal.api_token TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.data_export, portal.erasure_request TO portal_service;
GRANT UPDATE (state, sealed, data_key, size_bytes, digest, expire_time) ON portal.data_export TO portal_service;
GRANT UPDATE (state) ON portal.erasure_request TO portal_service;
-- Who leaves is forgotten by these.
CREATE INDEX checklist_item_by_closer ON portal.checklist_item (tenant_id, closer_member_id)
    WHERE closer_member_id IS NOT NULL;
-- A person who is forgotten has no account any more; row security lets the service delete in the person's tenant alone.
GRANT DELETE ON portal.account TO portal_service;
