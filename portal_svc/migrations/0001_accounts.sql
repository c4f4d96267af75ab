-- Why: people and organisations. An organisation is a tenant; a person's own rows are in a tenant of their own, derived
-- from their subject, so that a home is never inside an installer's tenant (ADR 0070).
-- Locks: nothing that exists; the tables are new.

CREATE TABLE portal.organization (
    tenant_id       uuid        PRIMARY KEY,
    display_name    text        NOT NULL,
    business_number text        NOT NULL,
    country_code    text        NOT NULL,
    contact_email   text        NOT NULL,
    contact_phone   text        NOT NULL,
    state           text        NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED', 'CLOSED')),
    suspend_reason  text        CHECK (suspend_reason IN ('LICENSE_LAPSED', 'SUPPORT')),
    project_quota   integer     NOT NULL CHECK (project_quota >= 0),
    search_key      bytea,
    revision        bigint      NOT NULL CHECK (revision > 0),
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    CHECK ((suspend_reason IS NOT NULL) = (state = 'SUSPENDED')),
    CHECK ((search_key IS NULL) = (state = 'CLOSED'))
);
COMMENT ON TABLE portal.organization IS 'Installer organisations: the tenants.';
COMMENT ON COLUMN portal.organization.tenant_id IS 'PSEUDONYM: the organisation, the `org` of its members'' tokens.';
COMMENT ON COLUMN portal.organization.display_name IS 'PII: the trading name; a sole trader''s is a person''s.';
COMMENT ON COLUMN portal.organization.business_number IS 'PII: the number in the business register.';
COMMENT ON COLUMN portal.organization.country_code IS 'PUBLIC: where it is registered.';
COMMENT ON COLUMN portal.organization.contact_email IS 'PII: where Ora writes to it.';
COMMENT ON COLUMN portal.organization.contact_phone IS 'PII: its telephone number.';
COMMENT ON COLUMN portal.organization.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN portal.organization.suspend_reason IS 'PUBLIC: why it is suspended.';
COMMENT ON COLUMN portal.organization.project_quota IS 'PUBLIC: how many projects may be live at once.';
COMMENT ON COLUMN portal.organization.search_key IS 'SECRET: the wrapped key of the words by which its projects are found; null: closed, destroyed.';
COMMENT ON COLUMN portal.organization.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.organization.create_time IS 'PUBLIC: when it was registered.';
COMMENT ON COLUMN portal.organization.update_time IS 'PUBLIC: when it last changed.';

CREATE TABLE portal.account (
    tenant_id          uuid  PRIMARY KEY,
    account_id         uuid  NOT NULL UNIQUE,
    subject_digest     bytea NOT NULL UNIQUE CHECK (octet_length(subject_digest) = 32),
    issuer             text  NOT NULL,
    subject            text  NOT NULL,
    signing_public_key bytea CHECK (octet_length(signing_public_key) = 32),
    key_time           timestamptz,
    create_day         date  NOT NULL,
    CHECK ((signing_public_key IS NULL) = (key_time IS NULL))
);
COMMENT ON TABLE portal.account IS 'Persons, each in a tenant of their own.';
COMMENT ON COLUMN portal.account.tenant_id IS 'PSEUDONYM: the person''s own tenant, made of the subject digest.';
COMMENT ON COLUMN portal.account.account_id IS 'PSEUDONYM: the account.';
COMMENT ON COLUMN portal.account.subject_digest IS 'PSEUDONYM: SHA-256 of issuer and subject.';
COMMENT ON COLUMN portal.account.issuer IS 'PUBLIC: the identity provider.';
COMMENT ON COLUMN portal.account.subject IS 'PII: the person''s name at the identity provider.';
COMMENT ON COLUMN portal.account.signing_public_key IS 'PSEUDONYM: Ed25519, what claims and receipts name; null: none.';
COMMENT ON COLUMN portal.account.key_time IS 'PUBLIC: when the key was registered.';
COMMENT ON COLUMN portal.account.create_day IS 'PUBLIC: the day on which the portal first saw the person.';

CREATE TABLE portal.member (
    member_id      uuid        PRIMARY KEY,
    tenant_id      uuid        NOT NULL REFERENCES portal.organization,
    account_id     uuid        NOT NULL,
    subject_digest bytea       NOT NULL CHECK (octet_length(subject_digest) = 32),
    display_name   text        NOT NULL,
    email          text        NOT NULL,
    role           text        NOT NULL CHECK (role IN ('ELECTRICIAN', 'ADMIN')),
    state          text        NOT NULL CHECK (state IN ('ACTIVE', 'SUSPENDED')),
    revision       bigint      NOT NULL CHECK (revision > 0),
    join_time      timestamptz NOT NULL,
    update_time    timestamptz NOT NULL,
    UNIQUE (tenant_id, subject_digest),
    UNIQUE (tenant_id, member_id)
);
COMMENT ON TABLE portal.member IS 'Persons in organisations. A row goes when the person goes.';
COMMENT ON COLUMN portal.member.member_id IS 'PSEUDONYM: the member.';
COMMENT ON COLUMN portal.member.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.member.account_id IS 'PSEUDONYM: the person''s account.';
COMMENT ON COLUMN portal.member.subject_digest IS 'PSEUDONYM: SHA-256 of issuer and subject.';
COMMENT ON COLUMN portal.member.display_name IS 'PII: the name that colleagues see.';
COMMENT ON COLUMN portal.member.email IS 'PII: where colleagues write.';
COMMENT ON COLUMN portal.member.role IS 'PUBLIC: what they may do.';
COMMENT ON COLUMN portal.member.state IS 'PUBLIC: whether they may act.';
COMMENT ON COLUMN portal.member.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.member.join_time IS 'PUBLIC: when they came.';
COMMENT ON COLUMN portal.member.update_time IS 'PUBLIC: when the row last changed.';
CREATE INDEX member_by_name ON portal.member (tenant_id, display_name, member_id);

CREATE TABLE portal.license (
    license_id         uuid        PRIMARY KEY,
    tenant_id          uuid        NOT NULL REFERENCES portal.organization,
    holder_member_id   uuid        REFERENCES portal.member ON DELETE CASCADE,
    number             text        NOT NULL,
    jurisdiction       text        NOT NULL,
    license_class      text        NOT NULL,
    state              text        NOT NULL
        CHECK (state IN ('PENDING', 'VERIFIED', 'REJECTED', 'LAPSED', 'WITHDRAWN')),
    reject_reason      text        CHECK (reject_reason IN ('NOT_FOUND', 'HOLDER_MISMATCH', 'CLASS_NOT_ELIGIBLE')),
    expire_time        timestamptz,
    verify_time        timestamptz,
    next_check_time    timestamptz,
    register_reference text        NOT NULL,
    revision           bigint      NOT NULL CHECK (revision > 0),
    create_time        timestamptz NOT NULL,
    UNIQUE (tenant_id, jurisdiction, number),
    CHECK ((reject_reason IS NOT NULL) = (state = 'REJECTED')),
    CHECK (state <> 'VERIFIED' OR verify_time IS NOT NULL)
);
COMMENT ON TABLE portal.license IS 'Trade licences, as far as Voltex ID''s register confirms them.';
COMMENT ON COLUMN portal.license.license_id IS 'PSEUDONYM: the licence.';
COMMENT ON COLUMN portal.license.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.license.holder_member_id IS 'PSEUDONYM: the member that holds it; null: the organisation.';
COMMENT ON COLUMN portal.license.number IS 'PII: the number on the licence.';
COMMENT ON COLUMN portal.license.jurisdiction IS 'PUBLIC: who issued it.';
COMMENT ON COLUMN portal.license.license_class IS 'PUBLIC: the class in the register''s words.';
COMMENT ON COLUMN portal.license.state IS 'PUBLIC: what the register says.';
COMMENT ON COLUMN portal.license.reject_reason IS 'PUBLIC: why it is rejected.';
COMMENT ON COLUMN portal.license.expire_time IS 'PUBLIC: until when it holds.';
COMMENT ON COLUMN portal.license.verify_time IS 'PUBLIC: when the register last confirmed it.';
COMMENT ON COLUMN portal.license.next_check_time IS 'PUBLIC: when the register is asked again.';
COMMENT ON COLUMN portal.license.register_reference IS 'PSEUDONYM: the register''s reference of the check.';
COMMENT ON COLUMN portal.license.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN portal.license.create_time IS 'PUBLIC: when it was entered.';
CREATE INDEX license_by_holder ON portal.license (tenant_id, holder_member_id);

DO $$
DECLARE each text;
BEGIN
    FOREACH each IN ARRAY ARRAY['organization', 'account', 'member', 'license'] LOOP
        EXECUTE format('ALTER TABLE portal.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', each);
        EXECUTE format(
            'CREATE POLICY tenant ON portal.%I USING (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)'
            ' WITH CHECK (tenant_id = nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', each);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON portal.organization, portal.account TO portal_service;
GRANT UPDATE (display_name, business_number, contact_email, contact_phone, state, suspend_reason, project_quota,
              search_key, revision, update_time) ON portal.organization TO portal_service;
GRANT UPDATE (signing_public_key, key_time) ON portal.account TO portal_service;
GRANT SELECT, INSERT, DELETE ON portal.member, portal.license TO portal_service;
GRANT UPDATE (display_name, email, role, state, revision, update_time) ON portal.member TO portal_service;
GRANT UPDATE (license_class, state, reject_reason, expire_time, verify_time, next_check_time, register_reference,
              revision) ON portal.license TO portal_service;
