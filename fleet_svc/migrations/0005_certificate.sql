-- Why: the operational certificates that were issued to Hubs: to answer the same request with the same certificate, to
-- revoke one of them, and to know how many are out. No private key is here: Hubs make their own.
-- Locks: fleet.hub SHARE ROW EXCLUSIVE for an instant, for the foreign key.

CREATE TABLE fleet.certificate (
    serial            bytea       PRIMARY KEY CHECK (octet_length(serial) BETWEEN 1 AND 20),
    hub_id            uuid        NOT NULL REFERENCES fleet.hub,
    request_digest    bytea       NOT NULL CHECK (octet_length(request_digest) = 32),
    chain_der         bytea[]     NOT NULL CHECK (cardinality(chain_der) BETWEEN 1 AND 4),
    fingerprint       bytea       NOT NULL UNIQUE CHECK (octet_length(fingerprint) = 32),
    authority_id      uuid        NOT NULL,
    not_before_time   timestamptz NOT NULL,
    not_after_time    timestamptz NOT NULL CHECK (not_after_time > not_before_time),
    renew_after_time  timestamptz NOT NULL,
    create_time       timestamptz NOT NULL,
    revoke_time       timestamptz,
    revocation_reason text CHECK (revocation_reason IN
        ('KEY_COMPROMISE', 'AUTHORITY_COMPROMISE', 'SUPERSEDED', 'DECOMMISSIONED', 'LOST')),
    UNIQUE (hub_id, request_digest),
    CHECK ((revoke_time IS NULL) = (revocation_reason IS NULL))
);
COMMENT ON TABLE fleet.certificate IS 'Certificates of Hubs, until a week after their end.';
COMMENT ON COLUMN fleet.certificate.serial IS 'PSEUDONYM: the serial number, big-endian without leading zeros.';
COMMENT ON COLUMN fleet.certificate.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.certificate.request_digest IS 'PSEUDONYM: SHA-256 of the certificate request, so that its retry finds the certificate.';
COMMENT ON COLUMN fleet.certificate.chain_der IS 'PSEUDONYM: the certificate and its intermediates; public by nature.';
COMMENT ON COLUMN fleet.certificate.fingerprint IS 'PSEUDONYM: SHA-256 of the certificate.';
COMMENT ON COLUMN fleet.certificate.authority_id IS 'PUBLIC: the authority that signed.';
COMMENT ON COLUMN fleet.certificate.not_before_time IS 'PUBLIC: from when it holds.';
COMMENT ON COLUMN fleet.certificate.not_after_time IS 'PUBLIC: until when it holds.';
COMMENT ON COLUMN fleet.certificate.renew_after_time IS 'PUBLIC: when the Hub is asked to renew.';
COMMENT ON COLUMN fleet.certificate.create_time IS 'PUBLIC: when it was issued.';
COMMENT ON COLUMN fleet.certificate.revoke_time IS 'PUBLIC: when it was revoked; null: it is not.';
COMMENT ON COLUMN fleet.certificate.revocation_reason IS 'PUBLIC: why it was revoked; null: it is not.';

-- ListCertificates pages newest first; admission reads the revoked ones of a Hub.
CREATE INDEX certificate_by_hub ON fleet.certificate (hub_id, create_time DESC, serial);
CREATE INDEX certificate_by_end ON fleet.certificate (not_after_time);

-- What is revoked stays revoked.
CREATE FUNCTION fleet.certificate_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.revoke_time IS NOT NULL THEN
        RAISE EXCEPTION 'a revoked certificate stays so'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_revoked_for_ever';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.certificate_before_update() FROM PUBLIC;
CREATE TRIGGER certificate_before_update BEFORE UPDATE ON fleet.certificate
    FOR EACH ROW EXECUTE FUNCTION fleet.certificate_before_update();

-- A revocation is part of admission; issuing and renewing are not, so a hundred thousand renewals send no notice.
CREATE TRIGGER certificate_admission AFTER UPDATE ON fleet.certificate
    FOR EACH ROW WHEN (OLD.revoke_time IS DISTINCT FROM NEW.revoke_time)
    EXECUTE FUNCTION fleet.admission_changed();

-- Only what is past its end may be deleted.
CREATE FUNCTION fleet.certificate_before_delete() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF OLD.not_after_time > now() THEN
        RAISE EXCEPTION 'a certificate that may still be shown is kept'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_kept_to_its_end';
    END IF;
    RETURN OLD;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.certificate_before_delete() FROM PUBLIC;
CREATE TRIGGER certificate_before_delete BEFORE DELETE ON fleet.certificate
    FOR EACH ROW EXECUTE FUNCTION fleet.certificate_before_delete();

GRANT SELECT, INSERT, DELETE ON fleet.certificate TO fleet_service;
GRANT UPDATE (revoke_time, revocation_reason) ON fleet.certificate TO fleet_service;
