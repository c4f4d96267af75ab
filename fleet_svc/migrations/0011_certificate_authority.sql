-- Why: the authorities that sign Hubs' certificates, so that one can follow another without a Hub or a relay noticing; what
-- Hubs are told to trust; and the revocation list of each authority (ADR 0059). No private key is here.
-- Locks: fleet.certificate SHARE while its index is made.

CREATE TABLE fleet.certificate_authority (
    authority_id           uuid        PRIMARY KEY,
    kind                   text        NOT NULL CHECK (kind IN ('ROOT', 'INTERMEDIATE')),
    state                  text        NOT NULL CHECK (state IN ('PENDING', 'TRUSTED', 'SIGNING', 'RETIRING', 'RETIRED')),
    key_label              text        NOT NULL CHECK (char_length(key_label) <= 64),
    csr_der                bytea       NOT NULL CHECK (octet_length(csr_der) <= 1024),
    certificate_der        bytea       CHECK (octet_length(certificate_der) BETWEEN 1 AND 2048),
    cross_certificates_der bytea[]     NOT NULL DEFAULT '{}' CHECK (cardinality(cross_certificates_der) <= 4),
    not_before_time        timestamptz,
    not_after_time         timestamptz,
    revision               bigint      NOT NULL CHECK (revision > 0),
    create_time            timestamptz NOT NULL,
    update_time            timestamptz NOT NULL,
    CHECK (num_nonnulls(certificate_der, not_before_time, not_after_time) IN (0, 3)),
    CHECK (certificate_der IS NOT NULL OR state IN ('PENDING', 'RETIRED')),
    CHECK (kind = 'INTERMEDIATE' OR state IN ('TRUSTED', 'RETIRED'))
);
COMMENT ON TABLE fleet.certificate_authority IS 'Roots, whose keys are offline, and intermediates, whose keys are in the key service. Never deleted.';
COMMENT ON COLUMN fleet.certificate_authority.authority_id IS 'PUBLIC: the authority; made of its key.';
COMMENT ON COLUMN fleet.certificate_authority.kind IS 'PUBLIC: root or intermediate.';
COMMENT ON COLUMN fleet.certificate_authority.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN fleet.certificate_authority.key_label IS 'PUBLIC: what its key is called where it is kept; empty: elsewhere.';
COMMENT ON COLUMN fleet.certificate_authority.csr_der IS 'PUBLIC: what the root is asked to sign; empty: nothing.';
COMMENT ON COLUMN fleet.certificate_authority.certificate_der IS 'PUBLIC: its certificate; null: not installed.';
COMMENT ON COLUMN fleet.certificate_authority.cross_certificates_der IS 'PUBLIC: the same key certified by other roots.';
COMMENT ON COLUMN fleet.certificate_authority.not_before_time IS 'PUBLIC: from when its certificate holds.';
COMMENT ON COLUMN fleet.certificate_authority.not_after_time IS 'PUBLIC: until when its certificate holds.';
COMMENT ON COLUMN fleet.certificate_authority.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN fleet.certificate_authority.create_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN fleet.certificate_authority.update_time IS 'PUBLIC: when it last changed.';

-- One signs at a time.
CREATE UNIQUE INDEX certificate_authority_signing ON fleet.certificate_authority (state) WHERE state = 'SIGNING';

CREATE FUNCTION fleet.certificate_authority_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.state = 'RETIRED' THEN
        RAISE EXCEPTION 'a retired authority stays so'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_authority_retired_for_ever';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.certificate_authority_before_update() FROM PUBLIC;
CREATE TRIGGER certificate_authority_before_update BEFORE UPDATE ON fleet.certificate_authority
    FOR EACH ROW EXECUTE FUNCTION fleet.certificate_authority_before_update();

CREATE TABLE fleet.trust_bundle (
    purpose     text        PRIMARY KEY CHECK (purpose IN ('HUB', 'EDGE')),
    version     bigint      NOT NULL CHECK (version > 0),
    anchors_der bytea[]     NOT NULL CHECK (cardinality(anchors_der) BETWEEN 1 AND 8),
    statement   bytea       NOT NULL CHECK (octet_length(statement) BETWEEN 1 AND 4096),
    signature   bytea       NOT NULL CHECK (octet_length(signature) = 64),
    key_id      bytea       NOT NULL CHECK (octet_length(key_id) = 8),
    take_time   timestamptz NOT NULL
);
COMMENT ON TABLE fleet.trust_bundle IS 'The newest anchors of each purpose, as the offline trust key signed them.';
COMMENT ON COLUMN fleet.trust_bundle.purpose IS 'PUBLIC: what the anchors are for.';
COMMENT ON COLUMN fleet.trust_bundle.version IS 'PUBLIC: the version in the statement; never falls.';
COMMENT ON COLUMN fleet.trust_bundle.anchors_der IS 'PUBLIC: the anchors.';
COMMENT ON COLUMN fleet.trust_bundle.statement IS 'PUBLIC: the TrustBundleStatement, byte for byte as signed.';
COMMENT ON COLUMN fleet.trust_bundle.signature IS 'PUBLIC: the signature by the offline trust key.';
COMMENT ON COLUMN fleet.trust_bundle.key_id IS 'PUBLIC: the short name of the key that signed.';
COMMENT ON COLUMN fleet.trust_bundle.take_time IS 'PUBLIC: when it was taken.';

CREATE FUNCTION fleet.trust_bundle_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.version <= OLD.version THEN
        RAISE EXCEPTION 'a trust bundle is followed by a newer one alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'trust_bundle_rises';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.trust_bundle_before_update() FROM PUBLIC;
CREATE TRIGGER trust_bundle_before_update BEFORE UPDATE ON fleet.trust_bundle
    FOR EACH ROW EXECUTE FUNCTION fleet.trust_bundle_before_update();

CREATE TABLE fleet.revocation_list (
    authority_id     uuid        PRIMARY KEY REFERENCES fleet.certificate_authority,
    crl_number       bigint      NOT NULL CHECK (crl_number > 0),
    crl_der          bytea       NOT NULL,
    make_time        timestamptz NOT NULL,
    next_update_time timestamptz NOT NULL
);
COMMENT ON TABLE fleet.revocation_list IS 'The newest revocation list of each authority; made when it is asked for and there is news.';
COMMENT ON COLUMN fleet.revocation_list.authority_id IS 'PUBLIC: the authority.';
COMMENT ON COLUMN fleet.revocation_list.crl_number IS 'PUBLIC: its number; only rises.';
COMMENT ON COLUMN fleet.revocation_list.crl_der IS 'PSEUDONYM: the list; it names serial numbers.';
COMMENT ON COLUMN fleet.revocation_list.make_time IS 'PUBLIC: when it was made.';
COMMENT ON COLUMN fleet.revocation_list.next_update_time IS 'PUBLIC: until when it holds.';

-- What an authority has out: for its revocation list, and before its end.
CREATE INDEX certificate_by_authority ON fleet.certificate (authority_id, not_after_time);

GRANT SELECT, INSERT ON fleet.certificate_authority, fleet.trust_bundle, fleet.revocation_list TO fleet_service;
GRANT UPDATE (state, certificate_der, cross_certificates_der, not_before_time, not_after_time, revision, update_time)
    ON fleet.certificate_authority TO fleet_service;
GRANT UPDATE (version, anchors_der, statement, signature, key_id, take_time) ON fleet.trust_bundle TO fleet_service;
GRANT UPDATE (crl_number, crl_der, make_time, next_update_time) ON fleet.revocation_list TO fleet_service;
