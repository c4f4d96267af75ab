-- What fleet_svc/migrations end in, written by tests/integration/fleet_svc/test_schema_file.py.
-- PostgreSQL database dump
-- Name: fleet; Type: SCHEMA; Schema: -; Owner: -
CREATE SCHEMA fleet;
-- Name: admission_changed(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.admission_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    UPDATE fleet.hub SET admission_version = admission_version + 1
     WHERE hub_id = coalesce(NEW.hub_id, OLD.hub_id);
    RETURN NULL;
END $$;
-- Name: audit_entry_before_insert(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.audit_entry_before_insert() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
-- Name: certificate_authority_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.certificate_authority_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF OLD.state = 'RETIRED' THEN
        RAISE EXCEPTION 'a retired authority stays so'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_authority_retired_for_ever';
    END IF;
    RETURN NEW;
END $$;
-- Name: certificate_before_delete(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.certificate_before_delete() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF OLD.not_after_time > now() THEN
        RAISE EXCEPTION 'a certificate that may still be shown is kept'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_kept_to_its_end';
    END IF;
    RETURN OLD;
END $$;
-- Name: certificate_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.certificate_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF OLD.revoke_time IS NOT NULL THEN
        RAISE EXCEPTION 'a revoked certificate stays so'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_revoked_for_ever';
    END IF;
    RETURN NEW;
END $$;
-- Name: consent_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.consent_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
-- Name: firmware_release_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.firmware_release_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF OLD.state = 'WITHDRAWN' OR (OLD.state = 'SIGNED' AND
        (NEW.state = 'DRAFT' OR (NEW.artefacts, NEW.hardware_models, NEW.hardware_revisions_min, NEW.hardware_revisions_max,
                                 NEW.base_sequences, NEW.firmware_sequence_min, NEW.boot_loader_version_min,
                                 NEW.targets_version)
                 IS DISTINCT FROM (OLD.artefacts, OLD.hardware_models, OLD.hardware_revisions_min,
                                   OLD.hardware_revisions_max, OLD.base_sequences, OLD.firmware_sequence_min,
                                   OLD.boot_loader_version_min, OLD.targets_version))) THEN
        RAISE EXCEPTION 'a release that is out does not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'firmware_release_is_fixed';
    END IF;
    RETURN NEW;
END $$;
-- Name: firmware_update_before_write(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.firmware_update_before_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    PERFORM FROM fleet.hub WHERE hub_id = NEW.hub_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM fleet.update_hold WHERE hub_id = NEW.hub_id AND reason IS NOT NULL) THEN
        RAISE EXCEPTION 'updates of this Hub are held'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'install_excludes_update_hold';
    END IF;
    RETURN NEW;
END $$;
-- Name: hub_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.hub_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF OLD.state = 'DECOMMISSIONED' AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'a decommissioned Hub stays so' USING ERRCODE = 'check_violation', CONSTRAINT = 'hub_dead_for_ever';
    END IF;
    IF (NEW.state, NEW.certificates_not_before) IS DISTINCT FROM (OLD.state, OLD.certificates_not_before) THEN
        NEW.admission_version := OLD.admission_version + 1;
    END IF;
    RETURN NEW;
END $$;
-- Name: hub_director_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.hub_director_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF NEW.sequence <= OLD.sequence THEN
        RAISE EXCEPTION 'the sequence of director statements only rises'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hub_director_rises';
    END IF;
    RETURN NEW;
END $$;
-- Name: hub_erase(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.hub_erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    DELETE FROM fleet.owner_key WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.update_hold WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.firmware_update WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_boot WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_director WHERE hub_id = NEW.hub_id;
    UPDATE fleet.audit_entry SET evidence = NULL WHERE chain_id = NEW.hub_id;
    RETURN NULL;
END $$;
-- Name: hub_notify(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.hub_notify() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    PERFORM pg_notify('fleet_admission', NEW.hub_id::text);
    RETURN NULL;
END $$;
-- Name: owner_key_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.owner_key_before_update() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF NEW.owner_epoch <= OLD.owner_epoch THEN
        RAISE EXCEPTION 'an owner epoch only rises' USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_epoch_rises';
    END IF;
    DELETE FROM fleet.consent WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.peer_list WHERE hub_id = NEW.hub_id;
    RETURN NEW;
END $$;
-- Name: peer_list_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.peer_list_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF (NEW.owner_epoch, NEW.sequence) <= (OLD.owner_epoch, OLD.sequence) THEN
        RAISE EXCEPTION 'a peer list changes by a newer signed record alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'peer_list_rises';
    END IF;
    RETURN NEW;
END $$;
-- Name: trust_bundle_before_update(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.trust_bundle_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF NEW.version <= OLD.version THEN
        RAISE EXCEPTION 'a trust bundle is followed by a newer one alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'trust_bundle_rises';
    END IF;
    RETURN NEW;
END $$;
-- Name: update_hold_before_write(); Type: FUNCTION; Schema: fleet; Owner: -
CREATE FUNCTION fleet.update_hold_before_write() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    PERFORM FROM fleet.hub WHERE hub_id = NEW.hub_id FOR NO KEY UPDATE;
    IF TG_OP = 'UPDATE' AND NEW.lock_epoch < OLD.lock_epoch THEN
        RAISE EXCEPTION 'a lock epoch never falls'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'update_hold_epoch_rises';
    END IF;
    IF NEW.reason IS NOT NULL THEN
        IF EXISTS (SELECT FROM fleet.firmware_update
                    WHERE hub_id = NEW.hub_id AND state IN ('INSTALLING', 'TRIAL_BOOT')) THEN
            RAISE EXCEPTION 'an update is in flight'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'update_hold_excludes_install';
        END IF;
        UPDATE fleet.firmware_update SET permit_id = NULL, permit_lock_epoch = NULL, permit_expire_time = NULL
         WHERE hub_id = NEW.hub_id AND permit_id IS NOT NULL;
    END IF;
    RETURN NEW;
END $$;
-- Name: audit_entry; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.audit_entry (
    chain_id uuid NOT NULL,
    sequence bigint NOT NULL,
    entry bytea NOT NULL,
    previous_digest bytea NOT NULL,
    digest bytea NOT NULL,
    evidence bytea,
    create_time timestamp with time zone NOT NULL,
    CONSTRAINT audit_entry_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT audit_entry_entry_check CHECK (((octet_length(entry) >= 1) AND (octet_length(entry) <= 4096))),
    CONSTRAINT audit_entry_evidence_check CHECK ((octet_length(evidence) <= 16384)),
    CONSTRAINT audit_entry_previous_digest_check CHECK ((octet_length(previous_digest) = 32)),
    CONSTRAINT audit_entry_sequence_check CHECK ((sequence > 0))
);
-- Name: TABLE audit_entry; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.audit_entry IS 'What was changed, by whom. Append only; each entry closes over the one before.';
-- Name: COLUMN audit_entry.chain_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.chain_id IS 'PSEUDONYM: the Hub, or all zeros for what belongs to no Hub.';
-- Name: COLUMN audit_entry.sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.sequence IS 'PUBLIC: the place in the chain, without gaps.';
-- Name: COLUMN audit_entry.entry; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.entry IS 'PSEUDONYM: method, actor, resource, digests of request and evidence, time; a JSON document.';
-- Name: COLUMN audit_entry.previous_digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.previous_digest IS 'PUBLIC: the digest of the entry before; zeros for the first.';
-- Name: COLUMN audit_entry.digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.digest IS 'PUBLIC: SHA-256 of context, previous digest, sequence and entry.';
-- Name: COLUMN audit_entry.evidence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.evidence IS 'PSEUDONYM: what the entry has the digest of: a signed record, or the facts of a login; null: none, or the Hub is decommissioned.';
-- Name: COLUMN audit_entry.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.audit_entry.create_time IS 'PUBLIC: when it was written.';
-- Name: certificate; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.certificate (
    serial bytea NOT NULL,
    hub_id uuid NOT NULL,
    request_digest bytea NOT NULL,
    chain_der bytea[] NOT NULL,
    fingerprint bytea NOT NULL,
    authority_id uuid NOT NULL,
    not_before_time timestamp with time zone NOT NULL,
    not_after_time timestamp with time zone NOT NULL,
    renew_after_time timestamp with time zone NOT NULL,
    create_time timestamp with time zone NOT NULL,
    revoke_time timestamp with time zone,
    revocation_reason text,
    CONSTRAINT certificate_chain_der_check CHECK (((cardinality(chain_der) >= 1) AND (cardinality(chain_der) <= 4))),
    CONSTRAINT certificate_check CHECK ((not_after_time > not_before_time)),
    CONSTRAINT certificate_check1 CHECK (((revoke_time IS NULL) = (revocation_reason IS NULL))),
    CONSTRAINT certificate_fingerprint_check CHECK ((octet_length(fingerprint) = 32)),
    CONSTRAINT certificate_request_digest_check CHECK ((octet_length(request_digest) = 32)),
    CONSTRAINT certificate_revocation_reason_check CHECK ((revocation_reason = ANY (ARRAY['KEY_COMPROMISE'::text, 'AUTHORITY_COMPROMISE'::text, 'SUPERSEDED'::text, 'DECOMMISSIONED'::text, 'LOST'::text]))),
    CONSTRAINT certificate_serial_check CHECK (((octet_length(serial) >= 1) AND (octet_length(serial) <= 20)))
);
-- Name: TABLE certificate; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.certificate IS 'Certificates of Hubs, until a week after their end.';
-- Name: COLUMN certificate.serial; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.serial IS 'PSEUDONYM: the serial number, big-endian without leading zeros.';
-- Name: COLUMN certificate.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN certificate.request_digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.request_digest IS 'PSEUDONYM: SHA-256 of the certificate request, so that its retry finds the certificate.';
-- Name: COLUMN certificate.chain_der; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.chain_der IS 'PSEUDONYM: the certificate and its intermediates; public by nature.';
-- Name: COLUMN certificate.fingerprint; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.fingerprint IS 'PSEUDONYM: SHA-256 of the certificate.';
-- Name: COLUMN certificate.authority_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.authority_id IS 'PUBLIC: the authority that signed.';
-- Name: COLUMN certificate.not_before_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.not_before_time IS 'PUBLIC: from when it holds.';
-- Name: COLUMN certificate.not_after_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.not_after_time IS 'PUBLIC: until when it holds.';
-- Name: COLUMN certificate.renew_after_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.renew_after_time IS 'PUBLIC: when the Hub is asked to renew.';
-- Name: COLUMN certificate.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.create_time IS 'PUBLIC: when it was issued.';
-- Name: COLUMN certificate.revoke_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.revoke_time IS 'PUBLIC: when it was revoked; null: it is not.';
-- Name: COLUMN certificate.revocation_reason; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate.revocation_reason IS 'PUBLIC: why it was revoked; null: it is not.';
-- Name: certificate_authority; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.certificate_authority (
    authority_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    key_label text NOT NULL,
    csr_der bytea NOT NULL,
    certificate_der bytea,
    cross_certificates_der bytea[] DEFAULT '{}'::bytea[] NOT NULL,
    not_before_time timestamp with time zone,
    not_after_time timestamp with time zone,
    revision bigint NOT NULL,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT certificate_authority_certificate_der_check CHECK (((octet_length(certificate_der) >= 1) AND (octet_length(certificate_der) <= 2048))),
    CONSTRAINT certificate_authority_check CHECK ((num_nonnulls(certificate_der, not_before_time, not_after_time) = ANY (ARRAY[0, 3]))),
    CONSTRAINT certificate_authority_check1 CHECK (((certificate_der IS NOT NULL) OR (state = ANY (ARRAY['PENDING'::text, 'RETIRED'::text])))),
    CONSTRAINT certificate_authority_check2 CHECK (((kind = 'INTERMEDIATE'::text) OR (state = ANY (ARRAY['TRUSTED'::text, 'RETIRED'::text])))),
    CONSTRAINT certificate_authority_cross_certificates_der_check CHECK ((cardinality(cross_certificates_der) <= 4)),
    CONSTRAINT certificate_authority_csr_der_check CHECK ((octet_length(csr_der) <= 1024)),
    CONSTRAINT certificate_authority_key_label_check CHECK ((char_length(key_label) <= 64)),
    CONSTRAINT certificate_authority_kind_check CHECK ((kind = ANY (ARRAY['ROOT'::text, 'INTERMEDIATE'::text]))),
    CONSTRAINT certificate_authority_revision_check CHECK ((revision > 0)),
    CONSTRAINT certificate_authority_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'TRUSTED'::text, 'SIGNING'::text, 'RETIRING'::text, 'RETIRED'::text])))
);
-- Name: TABLE certificate_authority; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.certificate_authority IS 'Roots, whose keys are offline, and intermediates, whose keys are in the key service. Never deleted.';
-- Name: COLUMN certificate_authority.authority_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.authority_id IS 'PUBLIC: the authority; made of its key.';
-- Name: COLUMN certificate_authority.kind; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.kind IS 'PUBLIC: root or intermediate.';
-- Name: COLUMN certificate_authority.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.state IS 'PUBLIC: where it is in its life.';
-- Name: COLUMN certificate_authority.key_label; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.key_label IS 'PUBLIC: what its key is called where it is kept; empty: elsewhere.';
-- Name: COLUMN certificate_authority.csr_der; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.csr_der IS 'PUBLIC: what the root is asked to sign; empty: nothing.';
-- Name: COLUMN certificate_authority.certificate_der; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.certificate_der IS 'PUBLIC: its certificate; null: not installed.';
-- Name: COLUMN certificate_authority.cross_certificates_der; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.cross_certificates_der IS 'PUBLIC: the same key certified by other roots.';
-- Name: COLUMN certificate_authority.not_before_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.not_before_time IS 'PUBLIC: from when its certificate holds.';
-- Name: COLUMN certificate_authority.not_after_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.not_after_time IS 'PUBLIC: until when its certificate holds.';
-- Name: COLUMN certificate_authority.revision; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.revision IS 'PUBLIC: rises with each change; the etag.';
-- Name: COLUMN certificate_authority.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.create_time IS 'PUBLIC: when it was made.';
-- Name: COLUMN certificate_authority.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.certificate_authority.update_time IS 'PUBLIC: when it last changed.';
-- Name: consent; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.consent (
    hub_id uuid NOT NULL,
    owner_epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    signed text[] NOT NULL,
    lowered text[] DEFAULT '{}'::text[] NOT NULL,
    statement bytea NOT NULL,
    signature bytea NOT NULL,
    key_id bytea NOT NULL,
    take_time timestamp with time zone NOT NULL,
    CONSTRAINT consent_check CHECK ((lowered <@ signed)),
    CONSTRAINT consent_key_id_check CHECK ((octet_length(key_id) = 8)),
    CONSTRAINT consent_sequence_check CHECK ((sequence > 0)),
    CONSTRAINT consent_signature_check CHECK ((octet_length(signature) = 64)),
    CONSTRAINT consent_signed_check CHECK ((signed <@ ARRAY['RELAY'::text, 'TELEMETRY'::text, 'BACKUP'::text, 'OTA_POLL'::text, 'COMMAND'::text, 'STREAM'::text, 'SHADOW'::text])),
    CONSTRAINT consent_statement_check CHECK (((octet_length(statement) >= 1) AND (octet_length(statement) <= 4096)))
);
-- Name: TABLE consent; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.consent IS 'What the owner of each Hub allows. No row: nothing.';
-- Name: COLUMN consent.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN consent.owner_epoch; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.owner_epoch IS 'PUBLIC: the epoch of the key that signed; always the one that holds.';
-- Name: COLUMN consent.sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.sequence IS 'PUBLIC: the place of the record in its epoch; never falls.';
-- Name: COLUMN consent.signed; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.signed IS 'PSEUDONYM: the capabilities that the record turns on.';
-- Name: COLUMN consent.lowered; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.lowered IS 'PSEUDONYM: those of them that the cloud turned off since; grows until a newer record.';
-- Name: COLUMN consent.statement; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.statement IS 'PSEUDONYM: the ConsentStatement, byte for byte as signed.';
-- Name: COLUMN consent.signature; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.signature IS 'PSEUDONYM: the signature by the owner key.';
-- Name: COLUMN consent.key_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.key_id IS 'PSEUDONYM: the short name of the key that signed.';
-- Name: COLUMN consent.take_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.consent.take_time IS 'PUBLIC: when the record was taken, or last lowered.';
-- Name: factory_key; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.factory_key (
    key_id bytea NOT NULL,
    factory text NOT NULL,
    public_key bytea NOT NULL,
    create_time timestamp with time zone NOT NULL,
    retire_time timestamp with time zone,
    CONSTRAINT factory_key_factory_check CHECK (((char_length(factory) >= 1) AND (char_length(factory) <= 32))),
    CONSTRAINT factory_key_key_id_check CHECK ((octet_length(key_id) = 8)),
    CONSTRAINT factory_key_public_key_check CHECK ((octet_length(public_key) = 32))
);
-- Name: TABLE factory_key; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.factory_key IS 'Keys that may vouch for Hubs.';
-- Name: COLUMN factory_key.key_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.factory_key.key_id IS 'PUBLIC: the first 8 bytes of the SHA-256 of the public key.';
-- Name: COLUMN factory_key.factory; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.factory_key.factory IS 'PUBLIC: the factory that holds the private half.';
-- Name: COLUMN factory_key.public_key; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.factory_key.public_key IS 'PUBLIC: Ed25519.';
-- Name: COLUMN factory_key.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.factory_key.create_time IS 'PUBLIC: when it was registered.';
-- Name: COLUMN factory_key.retire_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.factory_key.retire_time IS 'PUBLIC: when it was retired; null: it is not.';
-- Name: firmware_artefact; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.firmware_artefact (
    digest bytea NOT NULL,
    length_bytes bigint NOT NULL,
    committed_bytes bigint DEFAULT 0 NOT NULL,
    state text NOT NULL,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT firmware_artefact_check CHECK (((committed_bytes >= 0) AND (committed_bytes <= length_bytes))),
    CONSTRAINT firmware_artefact_check1 CHECK (((state <> 'READY'::text) OR (committed_bytes = length_bytes))),
    CONSTRAINT firmware_artefact_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT firmware_artefact_length_bytes_check CHECK (((length_bytes >= 1) AND (length_bytes <= 1073741824))),
    CONSTRAINT firmware_artefact_state_check CHECK ((state = ANY (ARRAY['UPLOADING'::text, 'READY'::text, 'REFUSED'::text])))
);
-- Name: TABLE firmware_artefact; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.firmware_artefact IS 'Images, each named by the SHA-256 of its bytes.';
-- Name: COLUMN firmware_artefact.digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_artefact.digest IS 'PUBLIC: the SHA-256.';
-- Name: COLUMN firmware_artefact.length_bytes; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_artefact.length_bytes IS 'PUBLIC: the exact length.';
-- Name: COLUMN firmware_artefact.committed_bytes; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_artefact.committed_bytes IS 'PUBLIC: how much is stored for good.';
-- Name: COLUMN firmware_artefact.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_artefact.state IS 'PUBLIC: whether it is complete, and what its name says.';
-- Name: COLUMN firmware_artefact.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_artefact.create_time IS 'PUBLIC: when its upload was started.';
-- Name: COLUMN firmware_artefact.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_artefact.update_time IS 'PUBLIC: when its last piece came.';
-- Name: firmware_metadata; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.firmware_metadata (
    role text NOT NULL,
    version bigint NOT NULL,
    content bytea NOT NULL,
    expire_time timestamp with time zone NOT NULL,
    create_time timestamp with time zone NOT NULL,
    CONSTRAINT firmware_metadata_content_check CHECK (((octet_length(content) >= 1) AND (octet_length(content) <= 1048576))),
    CONSTRAINT firmware_metadata_role_check CHECK ((role = ANY (ARRAY['root'::text, 'targets'::text, 'snapshot'::text, 'timestamp'::text]))),
    CONSTRAINT firmware_metadata_version_check CHECK (((version >= 1) AND (version <= 999999999)))
);
-- Name: TABLE firmware_metadata; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.firmware_metadata IS 'The files of the TUF repository. A file is never changed; a newer version takes its place.';
-- Name: COLUMN firmware_metadata.role; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_metadata.role IS 'PUBLIC: what it says.';
-- Name: COLUMN firmware_metadata.version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_metadata.version IS 'PUBLIC: rises by one with each file of a role.';
-- Name: COLUMN firmware_metadata.content; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_metadata.content IS 'PUBLIC: the file, byte for byte as signed.';
-- Name: COLUMN firmware_metadata.expire_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_metadata.expire_time IS 'PUBLIC: until when it holds.';
-- Name: COLUMN firmware_metadata.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_metadata.create_time IS 'PUBLIC: when it was published.';
-- Name: firmware_piece; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.firmware_piece (
    digest bytea NOT NULL,
    offset_bytes bigint NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT firmware_piece_data_check CHECK (((octet_length(data) >= 1) AND (octet_length(data) <= 262144))),
    CONSTRAINT firmware_piece_offset_bytes_check CHECK ((offset_bytes >= 0))
);
ALTER TABLE ONLY fleet.firmware_piece ALTER COLUMN data SET STORAGE EXTERNAL;
-- Name: TABLE firmware_piece; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.firmware_piece IS 'The bytes of images, in pieces that follow each other.';
-- Name: COLUMN firmware_piece.digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_piece.digest IS 'PUBLIC: the image.';
-- Name: COLUMN firmware_piece.offset_bytes; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_piece.offset_bytes IS 'PUBLIC: where in the image the piece starts.';
-- Name: COLUMN firmware_piece.data; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_piece.data IS 'PUBLIC: the piece.';
-- Name: firmware_release; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.firmware_release (
    release_id uuid NOT NULL,
    version text NOT NULL,
    sequence bigint NOT NULL,
    artefacts bytea[] NOT NULL,
    hardware_models text[] NOT NULL,
    hardware_revisions_min bigint[] NOT NULL,
    hardware_revisions_max bigint[] NOT NULL,
    base_sequences bigint[] NOT NULL,
    firmware_sequence_min bigint NOT NULL,
    boot_loader_version_min bigint NOT NULL,
    security_fix boolean NOT NULL,
    notes text NOT NULL,
    state text NOT NULL,
    targets_version bigint DEFAULT 0 NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT firmware_release_artefacts_check CHECK (((cardinality(artefacts) >= 1) AND (cardinality(artefacts) <= 16))),
    CONSTRAINT firmware_release_boot_loader_version_min_check CHECK (((boot_loader_version_min >= 0) AND (boot_loader_version_min <= '4294967295'::bigint))),
    CONSTRAINT firmware_release_check CHECK ((cardinality(hardware_models) = cardinality(artefacts))),
    CONSTRAINT firmware_release_check1 CHECK ((cardinality(hardware_revisions_min) = cardinality(artefacts))),
    CONSTRAINT firmware_release_check2 CHECK ((cardinality(hardware_revisions_max) = cardinality(artefacts))),
    CONSTRAINT firmware_release_check3 CHECK ((cardinality(base_sequences) = cardinality(artefacts))),
    CONSTRAINT firmware_release_check4 CHECK (((state <> 'SIGNED'::text) OR (targets_version > 0))),
    CONSTRAINT firmware_release_firmware_sequence_min_check CHECK ((firmware_sequence_min >= 0)),
    CONSTRAINT firmware_release_notes_check CHECK ((char_length(notes) <= 4000)),
    CONSTRAINT firmware_release_revision_check CHECK ((revision > 0)),
    CONSTRAINT firmware_release_sequence_check CHECK ((sequence > 0)),
    CONSTRAINT firmware_release_state_check CHECK ((state = ANY (ARRAY['DRAFT'::text, 'SIGNED'::text, 'WITHDRAWN'::text]))),
    CONSTRAINT firmware_release_targets_version_check CHECK ((targets_version >= 0)),
    CONSTRAINT firmware_release_version_check CHECK ((char_length(version) <= 32))
);
-- Name: TABLE firmware_release; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.firmware_release IS 'Versions of the firmware.';
-- Name: COLUMN firmware_release.release_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.release_id IS 'PUBLIC: the release.';
-- Name: COLUMN firmware_release.version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.version IS 'PUBLIC: the version to show; never used twice.';
-- Name: COLUMN firmware_release.sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.sequence IS 'PUBLIC: what a roll-back is measured by; never used twice.';
-- Name: COLUMN firmware_release.artefacts; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.artefacts IS 'PUBLIC: the digests of the images; the next four columns are in the same order.';
-- Name: COLUMN firmware_release.hardware_models; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.hardware_models IS 'PUBLIC: the hardware that each image is for.';
-- Name: COLUMN firmware_release.hardware_revisions_min; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.hardware_revisions_min IS 'PUBLIC: the least revision of it.';
-- Name: COLUMN firmware_release.hardware_revisions_max; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.hardware_revisions_max IS 'PUBLIC: the greatest revision of it.';
-- Name: COLUMN firmware_release.base_sequences; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.base_sequences IS 'PUBLIC: the sequence that each image is a difference to; 0: it is whole.';
-- Name: COLUMN firmware_release.firmware_sequence_min; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.firmware_sequence_min IS 'PUBLIC: the least sequence that can step to it; 0: any.';
-- Name: COLUMN firmware_release.boot_loader_version_min; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.boot_loader_version_min IS 'PUBLIC: the least boot loader; 0: any.';
-- Name: COLUMN firmware_release.security_fix; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.security_fix IS 'PUBLIC: whether it mends a weakness.';
-- Name: COLUMN firmware_release.notes; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.notes IS 'PUBLIC: what is new, for owners to read.';
-- Name: COLUMN firmware_release.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.state IS 'PUBLIC: where it is in its life.';
-- Name: COLUMN firmware_release.targets_version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.targets_version IS 'PUBLIC: the TUF targets that first listed it; 0: none did.';
-- Name: COLUMN firmware_release.revision; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.revision IS 'PUBLIC: rises with each change; the etag.';
-- Name: COLUMN firmware_release.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.create_time IS 'PUBLIC: when it was created.';
-- Name: COLUMN firmware_release.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_release.update_time IS 'PUBLIC: when it last changed.';
-- Name: firmware_rollout; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.firmware_rollout (
    rollout_id uuid NOT NULL,
    release_id uuid NOT NULL,
    hardware_model text NOT NULL,
    lot text NOT NULL,
    shares_permille integer[] NOT NULL,
    soaks_seconds integer[] NOT NULL,
    failures_permille_max integer[] NOT NULL,
    silences_permille_max integer[] NOT NULL,
    silence_deadlines_seconds integer[] NOT NULL,
    samples_min integer[] NOT NULL,
    state text NOT NULL,
    current_wave integer NOT NULL,
    stop_reason text,
    creator text NOT NULL,
    approver text,
    preempt boolean NOT NULL,
    create_time timestamp with time zone NOT NULL,
    wave_start_time timestamp with time zone,
    soak_start_time timestamp with time zone,
    update_time timestamp with time zone NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    event_sequence bigint DEFAULT 0 NOT NULL,
    CONSTRAINT firmware_rollout_check CHECK ((cardinality(soaks_seconds) = cardinality(shares_permille))),
    CONSTRAINT firmware_rollout_check1 CHECK ((cardinality(failures_permille_max) = cardinality(shares_permille))),
    CONSTRAINT firmware_rollout_check2 CHECK ((cardinality(silences_permille_max) = cardinality(shares_permille))),
    CONSTRAINT firmware_rollout_check3 CHECK ((cardinality(silence_deadlines_seconds) = cardinality(shares_permille))),
    CONSTRAINT firmware_rollout_check4 CHECK ((cardinality(samples_min) = cardinality(shares_permille))),
    CONSTRAINT firmware_rollout_check5 CHECK ((((char_length(approver) >= 1) AND (char_length(approver) <= 255)) AND (approver <> creator))),
    CONSTRAINT firmware_rollout_check6 CHECK (((approver IS NOT NULL) OR (state = ANY (ARRAY['AWAITING_APPROVAL'::text, 'ABORTED'::text])))),
    CONSTRAINT firmware_rollout_creator_check CHECK (((char_length(creator) >= 1) AND (char_length(creator) <= 255))),
    CONSTRAINT firmware_rollout_current_wave_check CHECK (((current_wave >= 0) AND (current_wave <= 7))),
    CONSTRAINT firmware_rollout_event_sequence_check CHECK ((event_sequence >= 0)),
    CONSTRAINT firmware_rollout_hardware_model_check CHECK ((char_length(hardware_model) <= 32)),
    CONSTRAINT firmware_rollout_lot_check CHECK ((char_length(lot) <= 32)),
    CONSTRAINT firmware_rollout_revision_check CHECK ((revision > 0)),
    CONSTRAINT firmware_rollout_shares_permille_check CHECK (((cardinality(shares_permille) >= 1) AND (cardinality(shares_permille) <= 8))),
    CONSTRAINT firmware_rollout_state_check CHECK ((state = ANY (ARRAY['AWAITING_APPROVAL'::text, 'RUNNING'::text, 'SOAKING'::text, 'PAUSED'::text, 'ABORTED'::text, 'COMPLETED'::text]))),
    CONSTRAINT firmware_rollout_stop_reason_check CHECK ((stop_reason = ANY (ARRAY['FAILURES'::text, 'SILENCE'::text, 'WITHDRAWN'::text, 'PREEMPTED'::text, 'OPERATOR'::text])))
);
-- Name: TABLE firmware_rollout; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.firmware_rollout IS 'Rollouts of releases. None runs that a second person has not approved.';
-- Name: COLUMN firmware_rollout.rollout_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.rollout_id IS 'PUBLIC: the rollout.';
-- Name: COLUMN firmware_rollout.release_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.release_id IS 'PUBLIC: what it brings.';
-- Name: COLUMN firmware_rollout.hardware_model; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.hardware_model IS 'PUBLIC: only Hubs of this hardware; empty: all.';
-- Name: COLUMN firmware_rollout.lot; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.lot IS 'PUBLIC: only Hubs of this lot; empty: all.';
-- Name: COLUMN firmware_rollout.shares_permille; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.shares_permille IS 'PUBLIC: by wave, the share of Hubs in it or an earlier one.';
-- Name: COLUMN firmware_rollout.soaks_seconds; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.soaks_seconds IS 'PUBLIC: by wave, how long to watch.';
-- Name: COLUMN firmware_rollout.failures_permille_max; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.failures_permille_max IS 'PUBLIC: by wave, how many may fail.';
-- Name: COLUMN firmware_rollout.silences_permille_max; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.silences_permille_max IS 'PUBLIC: by wave, how many may fall silent.';
-- Name: COLUMN firmware_rollout.silence_deadlines_seconds; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.silence_deadlines_seconds IS 'PUBLIC: by wave, how long silence is no failure.';
-- Name: COLUMN firmware_rollout.samples_min; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.samples_min IS 'PUBLIC: by wave, how many must have begun before it is judged.';
-- Name: COLUMN firmware_rollout.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.state IS 'PUBLIC: where it is in its life.';
-- Name: COLUMN firmware_rollout.current_wave; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.current_wave IS 'PUBLIC: which wave it is in.';
-- Name: COLUMN firmware_rollout.stop_reason; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.stop_reason IS 'PUBLIC: why it paused or stopped; null: it did not.';
-- Name: COLUMN firmware_rollout.creator; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.creator IS 'PSEUDONYM: the OIDC subject of who planned it.';
-- Name: COLUMN firmware_rollout.approver; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.approver IS 'PSEUDONYM: the OIDC subject of the second person; null: nobody yet.';
-- Name: COLUMN firmware_rollout.preempt; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.preempt IS 'PUBLIC: whether it may take the place of another.';
-- Name: COLUMN firmware_rollout.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.create_time IS 'PUBLIC: when it was planned.';
-- Name: COLUMN firmware_rollout.wave_start_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.wave_start_time IS 'PUBLIC: when the current wave began.';
-- Name: COLUMN firmware_rollout.soak_start_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.soak_start_time IS 'PUBLIC: since when the current wave is watched; null: it is not.';
-- Name: COLUMN firmware_rollout.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.update_time IS 'PUBLIC: when it last changed.';
-- Name: COLUMN firmware_rollout.revision; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.revision IS 'PUBLIC: rises with each change; the etag.';
-- Name: COLUMN firmware_rollout.event_sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_rollout.event_sequence IS 'PUBLIC: how many events were told of it.';
-- Name: firmware_update; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.firmware_update (
    update_id uuid NOT NULL,
    hub_id uuid NOT NULL,
    release_id uuid NOT NULL,
    rollout_id uuid,
    wave integer DEFAULT 0 NOT NULL,
    state text NOT NULL,
    hub_reason text,
    failure text,
    permit_id uuid,
    permit_lock_epoch bigint,
    permit_expire_time timestamp with time zone,
    begin_time timestamp with time zone,
    begin_boot_count bigint,
    begin_slot text,
    create_time timestamp with time zone NOT NULL,
    report_time timestamp with time zone,
    spent_permit_id uuid,
    CONSTRAINT firmware_update_begin_boot_count_check CHECK (((begin_boot_count >= 0) AND (begin_boot_count <= '4294967295'::bigint))),
    CONSTRAINT firmware_update_begin_slot_check CHECK ((begin_slot = ANY (ARRAY['A'::text, 'B'::text]))),
    CONSTRAINT firmware_update_check CHECK ((num_nonnulls(permit_id, permit_lock_epoch, permit_expire_time) = ANY (ARRAY[0, 3]))),
    CONSTRAINT firmware_update_check1 CHECK (((permit_id IS NULL) OR (state = 'DOWNLOADED'::text))),
    CONSTRAINT firmware_update_check2 CHECK ((num_nonnulls(begin_time, begin_boot_count, begin_slot) = ANY (ARRAY[0, 3]))),
    CONSTRAINT firmware_update_failure_check CHECK ((failure = ANY (ARRAY['DOWNLOAD'::text, 'VERIFICATION'::text, 'INCOMPATIBLE'::text, 'STORAGE'::text, 'BOOT'::text, 'HEALTH_CHECK'::text, 'ROLLBACK_REFUSED'::text, 'POWER_LOSS'::text]))),
    CONSTRAINT firmware_update_hub_reason_check CHECK ((hub_reason = ANY (ARRAY['HUB_BUSY'::text, 'USER_DEFERRED'::text, 'QUIET_HOURS'::text]))),
    CONSTRAINT firmware_update_permit_lock_epoch_check CHECK ((permit_lock_epoch >= 0)),
    CONSTRAINT firmware_update_state_check CHECK ((state = ANY (ARRAY['OFFERED'::text, 'DOWNLOADING'::text, 'DOWNLOADED'::text, 'INSTALLING'::text, 'TRIAL_BOOT'::text, 'CONFIRMED'::text, 'ROLLED_BACK'::text, 'FAILED'::text, 'EXPIRED'::text]))),
    CONSTRAINT firmware_update_wave_check CHECK (((wave >= 0) AND (wave <= 7)))
);
-- Name: TABLE firmware_update; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.firmware_update IS 'Releases on their way to Hubs. What is held is told by fleet.update_hold, not by the state.';
-- Name: COLUMN firmware_update.update_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.update_id IS 'PSEUDONYM: the update.';
-- Name: COLUMN firmware_update.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN firmware_update.release_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.release_id IS 'PUBLIC: what is brought.';
-- Name: COLUMN firmware_update.rollout_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.rollout_id IS 'PUBLIC: the rollout that assigned it; null: an app carries it.';
-- Name: COLUMN firmware_update.wave; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.wave IS 'PUBLIC: the wave of the rollout that the Hub is in.';
-- Name: COLUMN firmware_update.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.state IS 'PUBLIC: how far it came.';
-- Name: COLUMN firmware_update.hub_reason; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.hub_reason IS 'PUBLIC: the reason of the Hub itself to wait; null: none.';
-- Name: COLUMN firmware_update.failure; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.failure IS 'PUBLIC: why it did not end well; null: it did, or goes on.';
-- Name: COLUMN firmware_update.permit_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.permit_id IS 'PSEUDONYM: the permit that may still be spent; null: none.';
-- Name: COLUMN firmware_update.permit_lock_epoch; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.permit_lock_epoch IS 'PSEUDONYM: the lock epoch that the permit was given at.';
-- Name: COLUMN firmware_update.permit_expire_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.permit_expire_time IS 'PUBLIC: until when the permit may be spent.';
-- Name: COLUMN firmware_update.begin_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.begin_time IS 'PUBLIC: when the permit was spent; null: it was not.';
-- Name: COLUMN firmware_update.begin_boot_count; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.begin_boot_count IS 'PSEUDONYM: how often the Hub had booted then.';
-- Name: COLUMN firmware_update.begin_slot; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.begin_slot IS 'PUBLIC: the slot that ran then.';
-- Name: COLUMN firmware_update.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.create_time IS 'PUBLIC: when it was offered.';
-- Name: COLUMN firmware_update.report_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.report_time IS 'PUBLIC: when the Hub last said something about it.';
-- Name: COLUMN firmware_update.spent_permit_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.firmware_update.spent_permit_id IS 'PSEUDONYM: the permit that began the installation, so that its retry is known; null: none did.';
-- Name: hub; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.hub (
    hub_id uuid NOT NULL,
    state text NOT NULL,
    hardware_model text NOT NULL,
    hardware_revision bigint NOT NULL,
    identity_public_key bytea NOT NULL,
    lot text NOT NULL,
    revision bigint DEFAULT 1 NOT NULL,
    admission_version bigint DEFAULT 1 NOT NULL,
    certificates_not_before timestamp with time zone,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    event_sequence bigint DEFAULT 0 NOT NULL,
    factory_firmware_sequence bigint DEFAULT 0 NOT NULL,
    CONSTRAINT hub_admission_version_check CHECK ((admission_version > 0)),
    CONSTRAINT hub_event_sequence_check CHECK ((event_sequence >= 0)),
    CONSTRAINT hub_factory_firmware_sequence_check CHECK ((factory_firmware_sequence >= 0)),
    CONSTRAINT hub_hardware_model_check CHECK ((char_length(hardware_model) <= 32)),
    CONSTRAINT hub_hardware_revision_check CHECK (((hardware_revision >= 0) AND (hardware_revision <= '4294967295'::bigint))),
    CONSTRAINT hub_identity_public_key_check CHECK ((octet_length(identity_public_key) = 32)),
    CONSTRAINT hub_lot_check CHECK ((char_length(lot) <= 32)),
    CONSTRAINT hub_revision_check CHECK ((revision > 0)),
    CONSTRAINT hub_state_check CHECK ((state = ANY (ARRAY['PROVISIONED'::text, 'ACTIVE'::text, 'SUSPENDED'::text, 'DECOMMISSIONED'::text])))
);
-- Name: TABLE hub; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.hub IS 'The registry: every Hub that was ever made. A row is never deleted: a dead one is the tombstone that keeps its id and key from being given out again.';
-- Name: COLUMN hub.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.hub_id IS 'PSEUDONYM: the Hub, a UUID set by the factory.';
-- Name: COLUMN hub.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.state IS 'PUBLIC: where the Hub is in its life.';
-- Name: COLUMN hub.hardware_model; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.hardware_model IS 'PUBLIC: the hardware that it is.';
-- Name: COLUMN hub.hardware_revision; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.hardware_revision IS 'PUBLIC: the revision of that hardware.';
-- Name: COLUMN hub.identity_public_key; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.identity_public_key IS 'PSEUDONYM: the public half of the device identity key, Ed25519; no two Hubs share one.';
-- Name: COLUMN hub.lot; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.lot IS 'PUBLIC: the manufacturing lot; empty if there is none.';
-- Name: COLUMN hub.revision; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.revision IS 'PUBLIC: rises with each change that an operator makes; the etag.';
-- Name: COLUMN hub.admission_version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.admission_version IS 'PUBLIC: rises with each change of what other services may know of the Hub; written by triggers alone.';
-- Name: COLUMN hub.certificates_not_before; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.certificates_not_before IS 'PUBLIC: certificates issued before this instant are revoked; null: none is by date.';
-- Name: COLUMN hub.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.create_time IS 'PUBLIC: when the registry learnt of the Hub.';
-- Name: COLUMN hub.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.update_time IS 'PUBLIC: when an operator last changed the row.';
-- Name: COLUMN hub.event_sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.event_sequence IS 'PUBLIC: how many events were told of the Hub.';
-- Name: COLUMN hub.factory_firmware_sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub.factory_firmware_sequence IS 'PUBLIC: the firmware that left the factory; an update below it is a roll-back. 0: not known.';
-- Name: hub_boot; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.hub_boot (
    hub_id uuid NOT NULL,
    slot text NOT NULL,
    boot_count bigint NOT NULL,
    firmware_sequence bigint NOT NULL,
    firmware_version text NOT NULL,
    boot_loader_version bigint NOT NULL,
    trial boolean NOT NULL,
    report_time timestamp with time zone NOT NULL,
    CONSTRAINT hub_boot_boot_count_check CHECK (((boot_count >= 0) AND (boot_count <= '4294967295'::bigint))),
    CONSTRAINT hub_boot_boot_loader_version_check CHECK (((boot_loader_version >= 0) AND (boot_loader_version <= '4294967295'::bigint))),
    CONSTRAINT hub_boot_firmware_sequence_check CHECK ((firmware_sequence >= 0)),
    CONSTRAINT hub_boot_firmware_version_check CHECK ((char_length(firmware_version) <= 32)),
    CONSTRAINT hub_boot_slot_check CHECK ((slot = ANY (ARRAY['A'::text, 'B'::text])))
);
-- Name: TABLE hub_boot; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.hub_boot IS 'What Hubs last said that they run. Written while OTA_POLL is on.';
-- Name: COLUMN hub_boot.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN hub_boot.slot; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.slot IS 'PUBLIC: the slot that runs.';
-- Name: COLUMN hub_boot.boot_count; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.boot_count IS 'PSEUDONYM: how often it has booted.';
-- Name: COLUMN hub_boot.firmware_sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.firmware_sequence IS 'PUBLIC: the firmware that runs.';
-- Name: COLUMN hub_boot.firmware_version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.firmware_version IS 'PUBLIC: its version.';
-- Name: COLUMN hub_boot.boot_loader_version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.boot_loader_version IS 'PUBLIC: the boot loader.';
-- Name: COLUMN hub_boot.trial; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.trial IS 'PUBLIC: whether the slot is on trial.';
-- Name: COLUMN hub_boot.report_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_boot.report_time IS 'PUBLIC: when it said so.';
-- Name: hub_director; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.hub_director (
    hub_id uuid NOT NULL,
    sequence bigint NOT NULL,
    CONSTRAINT hub_director_sequence_check CHECK ((sequence > 0))
);
-- Name: TABLE hub_director; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.hub_director IS 'The newest director statement for each Hub: a number, and nothing of what it offered.';
-- Name: COLUMN hub_director.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_director.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN hub_director.sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.hub_director.sequence IS 'PSEUDONYM: the sequence of that statement; never falls.';
-- Name: inbox; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);
-- Name: TABLE inbox; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.inbox IS 'Events that were handled, kept 14 days. Belongs to no tenant.';
-- Name: COLUMN inbox.consumer; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.inbox.consumer IS 'PUBLIC: the consumer group.';
-- Name: COLUMN inbox.event_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.inbox.event_id IS 'PSEUDONYM: the event.';
-- Name: COLUMN inbox.handled_at; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.inbox.handled_at IS 'PUBLIC: when its effect was committed.';
-- Name: job; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.job (
    name text NOT NULL,
    every interval NOT NULL,
    last_success_at timestamp with time zone,
    CONSTRAINT job_every_check CHECK ((every > '00:00:00'::interval))
);
-- Name: TABLE job; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.job IS 'Recurring jobs. Belongs to no tenant.';
-- Name: COLUMN job.name; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.job.name IS 'PUBLIC: the job.';
-- Name: COLUMN job.every; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.job.every IS 'PUBLIC: how often it runs.';
-- Name: COLUMN job.last_success_at; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.job.last_success_at IS 'PUBLIC: when it last succeeded.';
-- Name: manufacturing_entry; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.manufacturing_entry (
    import_id uuid NOT NULL,
    entry_index integer NOT NULL,
    hub_id uuid,
    identity_public_key bytea,
    hardware_model text,
    hardware_revision bigint,
    firmware_sequence bigint,
    problem text,
    CONSTRAINT manufacturing_entry_check CHECK ((((problem IS NOT NULL) AND (problem = 'MALFORMED'::text)) = (hub_id IS NULL))),
    CONSTRAINT manufacturing_entry_entry_index_check CHECK ((entry_index >= 0)),
    CONSTRAINT manufacturing_entry_problem_check CHECK ((problem = ANY (ARRAY['MALFORMED'::text, 'HUB_EXISTS'::text, 'KEY_EXISTS'::text, 'REPEATED'::text])))
);
-- Name: TABLE manufacturing_entry; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.manufacturing_entry IS 'Entries of imports that are not finished; they go when the import ends.';
-- Name: COLUMN manufacturing_entry.import_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.import_id IS 'PSEUDONYM: the manifest.';
-- Name: COLUMN manufacturing_entry.entry_index; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.entry_index IS 'PUBLIC: the place in the manifest, from 0.';
-- Name: COLUMN manufacturing_entry.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.hub_id IS 'PSEUDONYM: the Hub; null: the entry could not be read.';
-- Name: COLUMN manufacturing_entry.identity_public_key; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.identity_public_key IS 'PSEUDONYM: the public half of its device identity key.';
-- Name: COLUMN manufacturing_entry.hardware_model; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.hardware_model IS 'PUBLIC: the hardware.';
-- Name: COLUMN manufacturing_entry.hardware_revision; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.hardware_revision IS 'PUBLIC: its revision.';
-- Name: COLUMN manufacturing_entry.firmware_sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.firmware_sequence IS 'PUBLIC: the firmware that left the factory.';
-- Name: COLUMN manufacturing_entry.problem; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_entry.problem IS 'PUBLIC: why it cannot be taken; null: it can.';
-- Name: manufacturing_import; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.manufacturing_import (
    import_id uuid NOT NULL,
    state text NOT NULL,
    factory text NOT NULL,
    lot text NOT NULL,
    hub_count integer NOT NULL,
    committed_count integer DEFAULT 0 NOT NULL,
    problem_count integer DEFAULT 0 NOT NULL,
    chain_digest bytea NOT NULL,
    entries_digest bytea NOT NULL,
    statement bytea NOT NULL,
    signature bytea NOT NULL,
    key_id bytea NOT NULL,
    create_time timestamp with time zone NOT NULL,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT manufacturing_import_chain_digest_check CHECK ((octet_length(chain_digest) = 32)),
    CONSTRAINT manufacturing_import_check CHECK (((committed_count >= 0) AND (committed_count <= hub_count))),
    CONSTRAINT manufacturing_import_check1 CHECK (((problem_count >= 0) AND (problem_count <= committed_count))),
    CONSTRAINT manufacturing_import_entries_digest_check CHECK ((octet_length(entries_digest) = 32)),
    CONSTRAINT manufacturing_import_hub_count_check CHECK (((hub_count >= 1) AND (hub_count <= 1000000))),
    CONSTRAINT manufacturing_import_lot_check CHECK (((char_length(lot) >= 1) AND (char_length(lot) <= 32))),
    CONSTRAINT manufacturing_import_signature_check CHECK ((octet_length(signature) = 64)),
    CONSTRAINT manufacturing_import_state_check CHECK ((state = ANY (ARRAY['UPLOADING'::text, 'VERIFIED'::text, 'COMMITTED'::text, 'CANCELLED'::text, 'REFUSED'::text]))),
    CONSTRAINT manufacturing_import_statement_check CHECK (((octet_length(statement) >= 1) AND (octet_length(statement) <= 4096)))
);
-- Name: TABLE manufacturing_import; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.manufacturing_import IS 'Manifests on their way into the registry, and those that arrived: who vouched for which lot.';
-- Name: COLUMN manufacturing_import.import_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.import_id IS 'PSEUDONYM: the manifest.';
-- Name: COLUMN manufacturing_import.state; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.state IS 'PUBLIC: where it is.';
-- Name: COLUMN manufacturing_import.factory; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.factory IS 'PUBLIC: the factory that signed.';
-- Name: COLUMN manufacturing_import.lot; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.lot IS 'PUBLIC: the manufacturing lot.';
-- Name: COLUMN manufacturing_import.hub_count; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.hub_count IS 'PUBLIC: how many entries the manifest announces.';
-- Name: COLUMN manufacturing_import.committed_count; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.committed_count IS 'PUBLIC: how many entries are stored.';
-- Name: COLUMN manufacturing_import.problem_count; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.problem_count IS 'PUBLIC: how many of them have a problem.';
-- Name: COLUMN manufacturing_import.chain_digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.chain_digest IS 'PUBLIC: the hash chain over the entries that are stored.';
-- Name: COLUMN manufacturing_import.entries_digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.entries_digest IS 'PUBLIC: where the chain must end.';
-- Name: COLUMN manufacturing_import.statement; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.statement IS 'PUBLIC: the manifest, byte for byte as signed.';
-- Name: COLUMN manufacturing_import.signature; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.signature IS 'PUBLIC: the factory''s signature.';
-- Name: COLUMN manufacturing_import.key_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.key_id IS 'PUBLIC: the key that signed.';
-- Name: COLUMN manufacturing_import.create_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.create_time IS 'PUBLIC: when it was started.';
-- Name: COLUMN manufacturing_import.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.manufacturing_import.update_time IS 'PUBLIC: when it last changed.';
-- Name: outbox; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.outbox (
    "position" bigint NOT NULL,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    aggregate text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    payload bytea NOT NULL,
    traceparent text,
    published_at timestamp with time zone,
    CONSTRAINT outbox_payload_check CHECK ((octet_length(payload) <= 65536))
);
-- Name: TABLE outbox; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.outbox IS 'Events on their way out. A transport of all tenants: no row security, no PII.';
-- Name: COLUMN outbox."position"; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox."position" IS 'PUBLIC: the order of publishing.';
-- Name: COLUMN outbox.event_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.event_id IS 'PSEUDONYM: what consumers know a repetition by.';
-- Name: COLUMN outbox.event_type; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.event_type IS 'PUBLIC: the message type within ora.events.v1.';
-- Name: COLUMN outbox.aggregate; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.aggregate IS 'PSEUDONYM: the resource name whose events keep their order.';
-- Name: COLUMN outbox.occurred_at; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.occurred_at IS 'PUBLIC: when it happened.';
-- Name: COLUMN outbox.payload; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.payload IS 'PSEUDONYM: the encoded event.';
-- Name: COLUMN outbox.traceparent; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.traceparent IS 'PUBLIC: the trace that it belongs to.';
-- Name: COLUMN outbox.published_at; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.outbox.published_at IS 'PUBLIC: when Redis took it. Null: not yet.';
-- Name: outbox_position_seq; Type: SEQUENCE; Schema: fleet; Owner: -
ALTER TABLE fleet.outbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME fleet.outbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
-- Name: owner_key; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.owner_key (
    hub_id uuid NOT NULL,
    owner_epoch bigint NOT NULL,
    owner_public_key bytea NOT NULL,
    statement bytea NOT NULL,
    signature bytea NOT NULL,
    key_id bytea NOT NULL,
    take_time timestamp with time zone NOT NULL,
    CONSTRAINT owner_key_key_id_check CHECK ((octet_length(key_id) = 8)),
    CONSTRAINT owner_key_owner_epoch_check CHECK ((owner_epoch > 0)),
    CONSTRAINT owner_key_owner_public_key_check CHECK ((octet_length(owner_public_key) = 32)),
    CONSTRAINT owner_key_signature_check CHECK ((octet_length(signature) = 64)),
    CONSTRAINT owner_key_statement_check CHECK (((octet_length(statement) >= 1) AND (octet_length(statement) <= 4096)))
);
-- Name: TABLE owner_key; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.owner_key IS 'The owner key that holds for each Hub, and the record that gave it.';
-- Name: COLUMN owner_key.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN owner_key.owner_epoch; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.owner_epoch IS 'PUBLIC: how many owners and factory resets the Hub has seen; never falls.';
-- Name: COLUMN owner_key.owner_public_key; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.owner_public_key IS 'PSEUDONYM: the public half of the owner key, Ed25519.';
-- Name: COLUMN owner_key.statement; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.statement IS 'PSEUDONYM: the OwnerKeyStatement, byte for byte as signed.';
-- Name: COLUMN owner_key.signature; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.signature IS 'PSEUDONYM: the signature by the device identity key.';
-- Name: COLUMN owner_key.key_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.key_id IS 'PSEUDONYM: the short name of the key that signed.';
-- Name: COLUMN owner_key.take_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.owner_key.take_time IS 'PUBLIC: when the record was taken.';
-- Name: peer_list; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.peer_list (
    hub_id uuid NOT NULL,
    owner_epoch bigint NOT NULL,
    sequence bigint NOT NULL,
    peer_ids bytea[] NOT NULL,
    subject_digests bytea[] NOT NULL,
    not_after_seconds bigint[] NOT NULL,
    statement bytea NOT NULL,
    signature bytea NOT NULL,
    key_id bytea NOT NULL,
    take_time timestamp with time zone NOT NULL,
    CONSTRAINT peer_list_check CHECK ((cardinality(subject_digests) = cardinality(peer_ids))),
    CONSTRAINT peer_list_check1 CHECK ((cardinality(not_after_seconds) = cardinality(peer_ids))),
    CONSTRAINT peer_list_key_id_check CHECK ((octet_length(key_id) = 8)),
    CONSTRAINT peer_list_peer_ids_check CHECK ((cardinality(peer_ids) <= 32)),
    CONSTRAINT peer_list_sequence_check CHECK ((sequence > 0)),
    CONSTRAINT peer_list_signature_check CHECK ((octet_length(signature) = 64)),
    CONSTRAINT peer_list_statement_check CHECK (((octet_length(statement) >= 1) AND (octet_length(statement) <= 4096)))
);
-- Name: TABLE peer_list; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.peer_list IS 'Who may exchange envelopes with each Hub. No row: nobody.';
-- Name: COLUMN peer_list.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN peer_list.owner_epoch; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.owner_epoch IS 'PUBLIC: the epoch of the key that signed; always the one that holds.';
-- Name: COLUMN peer_list.sequence; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.sequence IS 'PUBLIC: the place of the list in its epoch; never falls.';
-- Name: COLUMN peer_list.peer_ids; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.peer_ids IS 'PSEUDONYM: the app sessions, 16 bytes each.';
-- Name: COLUMN peer_list.subject_digests; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.subject_digests IS 'PSEUDONYM: in the same order, the digest that ties each session to one person.';
-- Name: COLUMN peer_list.not_after_seconds; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.not_after_seconds IS 'PUBLIC: in the same order, until when each entry holds, in seconds since 1970; 0: until the list changes.';
-- Name: COLUMN peer_list.statement; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.statement IS 'PSEUDONYM: the PeerListStatement, byte for byte as signed.';
-- Name: COLUMN peer_list.signature; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.signature IS 'PSEUDONYM: the signature by the owner key.';
-- Name: COLUMN peer_list.key_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.key_id IS 'PSEUDONYM: the short name of the key that signed.';
-- Name: COLUMN peer_list.take_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.peer_list.take_time IS 'PUBLIC: when the record was taken.';
-- Name: request_record; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.request_record (
    tenant_id uuid DEFAULT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid NOT NULL,
    scope bytea NOT NULL,
    method text NOT NULL,
    request_id text NOT NULL,
    digest bytea NOT NULL,
    response bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT request_record_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT request_record_request_id_check CHECK (((length(request_id) >= 8) AND (length(request_id) <= 128))),
    CONSTRAINT request_record_scope_check CHECK ((octet_length(scope) = 32))
);
ALTER TABLE ONLY fleet.request_record FORCE ROW LEVEL SECURITY;
-- Name: TABLE request_record; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.request_record IS 'Results of requests with a request_id, kept 24 hours.';
-- Name: COLUMN request_record.tenant_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.tenant_id IS 'PSEUDONYM: the tenant of the transaction.';
-- Name: COLUMN request_record.scope; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.scope IS 'PSEUDONYM: SHA-256 of tenant and subject.';
-- Name: COLUMN request_record.method; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.method IS 'PUBLIC: the method path.';
-- Name: COLUMN request_record.request_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.request_id IS 'PSEUDONYM: chosen by the caller.';
-- Name: COLUMN request_record.digest; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.digest IS 'PSEUDONYM: SHA-256 of the request.';
-- Name: COLUMN request_record.response; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.response IS 'PII: the answer without its SECRET fields.';
-- Name: COLUMN request_record.created_at; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.request_record.created_at IS 'PUBLIC: when it was first asked.';
-- Name: revocation_list; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.revocation_list (
    authority_id uuid NOT NULL,
    crl_number bigint NOT NULL,
    crl_der bytea NOT NULL,
    make_time timestamp with time zone NOT NULL,
    next_update_time timestamp with time zone NOT NULL,
    CONSTRAINT revocation_list_crl_number_check CHECK ((crl_number > 0))
);
-- Name: TABLE revocation_list; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.revocation_list IS 'The newest revocation list of each authority; made when it is asked for and there is news.';
-- Name: COLUMN revocation_list.authority_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.revocation_list.authority_id IS 'PUBLIC: the authority.';
-- Name: COLUMN revocation_list.crl_number; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.revocation_list.crl_number IS 'PUBLIC: its number; only rises.';
-- Name: COLUMN revocation_list.crl_der; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.revocation_list.crl_der IS 'PSEUDONYM: the list; it names serial numbers.';
-- Name: COLUMN revocation_list.make_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.revocation_list.make_time IS 'PUBLIC: when it was made.';
-- Name: COLUMN revocation_list.next_update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.revocation_list.next_update_time IS 'PUBLIC: until when it holds.';
-- Name: schema_migration; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.schema_migration (
    number integer NOT NULL,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
-- Name: TABLE schema_migration; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.schema_migration IS 'The migrations that were applied. Belongs to no tenant.';
-- Name: COLUMN schema_migration.number; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.schema_migration.number IS 'PUBLIC: the number of the file.';
-- Name: COLUMN schema_migration.name; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.schema_migration.name IS 'PUBLIC: the name of the file.';
-- Name: COLUMN schema_migration.checksum; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.schema_migration.checksum IS 'PUBLIC: SHA-256 of what was run.';
-- Name: COLUMN schema_migration.applied_at; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.schema_migration.applied_at IS 'PUBLIC: when it was run.';
-- Name: trust_bundle; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.trust_bundle (
    purpose text NOT NULL,
    version bigint NOT NULL,
    anchors_der bytea[] NOT NULL,
    statement bytea NOT NULL,
    signature bytea NOT NULL,
    key_id bytea NOT NULL,
    take_time timestamp with time zone NOT NULL,
    CONSTRAINT trust_bundle_anchors_der_check CHECK (((cardinality(anchors_der) >= 1) AND (cardinality(anchors_der) <= 8))),
    CONSTRAINT trust_bundle_key_id_check CHECK ((octet_length(key_id) = 8)),
    CONSTRAINT trust_bundle_purpose_check CHECK ((purpose = ANY (ARRAY['HUB'::text, 'EDGE'::text]))),
    CONSTRAINT trust_bundle_signature_check CHECK ((octet_length(signature) = 64)),
    CONSTRAINT trust_bundle_statement_check CHECK (((octet_length(statement) >= 1) AND (octet_length(statement) <= 4096))),
    CONSTRAINT trust_bundle_version_check CHECK ((version > 0))
);
-- Name: TABLE trust_bundle; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.trust_bundle IS 'The newest anchors of each purpose, as the offline trust key signed them.';
-- Name: COLUMN trust_bundle.purpose; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.purpose IS 'PUBLIC: what the anchors are for.';
-- Name: COLUMN trust_bundle.version; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.version IS 'PUBLIC: the version in the statement; never falls.';
-- Name: COLUMN trust_bundle.anchors_der; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.anchors_der IS 'PUBLIC: the anchors.';
-- Name: COLUMN trust_bundle.statement; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.statement IS 'PUBLIC: the TrustBundleStatement, byte for byte as signed.';
-- Name: COLUMN trust_bundle.signature; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.signature IS 'PUBLIC: the signature by the offline trust key.';
-- Name: COLUMN trust_bundle.key_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.key_id IS 'PUBLIC: the short name of the key that signed.';
-- Name: COLUMN trust_bundle.take_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.trust_bundle.take_time IS 'PUBLIC: when it was taken.';
-- Name: update_hold; Type: TABLE; Schema: fleet; Owner: -
CREATE TABLE fleet.update_hold (
    hub_id uuid NOT NULL,
    reason text,
    lock_epoch bigint NOT NULL,
    update_time timestamp with time zone NOT NULL,
    CONSTRAINT update_hold_lock_epoch_check CHECK ((lock_epoch > 0)),
    CONSTRAINT update_hold_reason_check CHECK ((reason = ANY (ARRAY['PENDING_HANDOVER'::text, 'RECEIPT_WAIT'::text])))
);
-- Name: TABLE update_hold; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON TABLE fleet.update_hold IS 'The hold of a Hub, and the newest lock epoch that it was ever held with.';
-- Name: COLUMN update_hold.hub_id; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.update_hold.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN update_hold.reason; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.update_hold.reason IS 'PUBLIC: why updates wait; null: they do not.';
-- Name: COLUMN update_hold.lock_epoch; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.update_hold.lock_epoch IS 'PSEUDONYM: the lock epoch of the project; never falls.';
-- Name: COLUMN update_hold.update_time; Type: COMMENT; Schema: fleet; Owner: -
COMMENT ON COLUMN fleet.update_hold.update_time IS 'PUBLIC: when it last changed.';
-- Name: audit_entry audit_entry_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.audit_entry
    ADD CONSTRAINT audit_entry_pkey PRIMARY KEY (chain_id, sequence);
-- Name: certificate_authority certificate_authority_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.certificate_authority
    ADD CONSTRAINT certificate_authority_pkey PRIMARY KEY (authority_id);
-- Name: certificate certificate_fingerprint_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.certificate
    ADD CONSTRAINT certificate_fingerprint_key UNIQUE (fingerprint);
-- Name: certificate certificate_hub_id_request_digest_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.certificate
    ADD CONSTRAINT certificate_hub_id_request_digest_key UNIQUE (hub_id, request_digest);
-- Name: certificate certificate_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.certificate
    ADD CONSTRAINT certificate_pkey PRIMARY KEY (serial);
-- Name: consent consent_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.consent
    ADD CONSTRAINT consent_pkey PRIMARY KEY (hub_id);
-- Name: factory_key factory_key_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.factory_key
    ADD CONSTRAINT factory_key_pkey PRIMARY KEY (key_id);
-- Name: factory_key factory_key_public_key_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.factory_key
    ADD CONSTRAINT factory_key_public_key_key UNIQUE (public_key);
-- Name: firmware_artefact firmware_artefact_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_artefact
    ADD CONSTRAINT firmware_artefact_pkey PRIMARY KEY (digest);
-- Name: firmware_metadata firmware_metadata_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_metadata
    ADD CONSTRAINT firmware_metadata_pkey PRIMARY KEY (role, version);
-- Name: firmware_piece firmware_piece_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_piece
    ADD CONSTRAINT firmware_piece_pkey PRIMARY KEY (digest, offset_bytes);
-- Name: firmware_release firmware_release_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_release
    ADD CONSTRAINT firmware_release_pkey PRIMARY KEY (release_id);
-- Name: firmware_release firmware_release_sequence_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_release
    ADD CONSTRAINT firmware_release_sequence_key UNIQUE (sequence);
-- Name: firmware_release firmware_release_version_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_release
    ADD CONSTRAINT firmware_release_version_key UNIQUE (version);
-- Name: firmware_rollout firmware_rollout_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_rollout
    ADD CONSTRAINT firmware_rollout_pkey PRIMARY KEY (rollout_id);
-- Name: firmware_update firmware_update_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_update
    ADD CONSTRAINT firmware_update_pkey PRIMARY KEY (update_id);
-- Name: hub_boot hub_boot_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.hub_boot
    ADD CONSTRAINT hub_boot_pkey PRIMARY KEY (hub_id);
-- Name: hub_director hub_director_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.hub_director
    ADD CONSTRAINT hub_director_pkey PRIMARY KEY (hub_id);
-- Name: hub hub_identity_public_key_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.hub
    ADD CONSTRAINT hub_identity_public_key_key UNIQUE (identity_public_key);
-- Name: hub hub_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.hub
    ADD CONSTRAINT hub_pkey PRIMARY KEY (hub_id);
-- Name: inbox inbox_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
-- Name: job job_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);
-- Name: manufacturing_entry manufacturing_entry_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.manufacturing_entry
    ADD CONSTRAINT manufacturing_entry_pkey PRIMARY KEY (import_id, entry_index);
-- Name: manufacturing_import manufacturing_import_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.manufacturing_import
    ADD CONSTRAINT manufacturing_import_pkey PRIMARY KEY (import_id);
-- Name: outbox outbox_event_id_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY ("position");
-- Name: owner_key owner_key_hub_id_owner_epoch_key; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.owner_key
    ADD CONSTRAINT owner_key_hub_id_owner_epoch_key UNIQUE (hub_id, owner_epoch);
-- Name: owner_key owner_key_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.owner_key
    ADD CONSTRAINT owner_key_pkey PRIMARY KEY (hub_id);
-- Name: peer_list peer_list_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.peer_list
    ADD CONSTRAINT peer_list_pkey PRIMARY KEY (hub_id);
-- Name: request_record request_record_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.request_record
    ADD CONSTRAINT request_record_pkey PRIMARY KEY (tenant_id, scope, method, request_id);
-- Name: revocation_list revocation_list_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.revocation_list
    ADD CONSTRAINT revocation_list_pkey PRIMARY KEY (authority_id);
-- Name: schema_migration schema_migration_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number);
-- Name: trust_bundle trust_bundle_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.trust_bundle
    ADD CONSTRAINT trust_bundle_pkey PRIMARY KEY (purpose);
-- Name: update_hold update_hold_pkey; Type: CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.update_hold
    ADD CONSTRAINT update_hold_pkey PRIMARY KEY (hub_id);
-- Name: certificate_authority_signing; Type: INDEX; Schema: fleet; Owner: -
CREATE UNIQUE INDEX certificate_authority_signing ON fleet.certificate_authority USING btree (state) WHERE (state = 'SIGNING'::text);
-- Name: certificate_by_authority; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX certificate_by_authority ON fleet.certificate USING btree (authority_id, not_after_time);
-- Name: certificate_by_end; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX certificate_by_end ON fleet.certificate USING btree (not_after_time);
-- Name: certificate_by_hub; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX certificate_by_hub ON fleet.certificate USING btree (hub_id, create_time DESC, serial);
-- Name: firmware_update_by_hub; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX firmware_update_by_hub ON fleet.firmware_update USING btree (hub_id, create_time DESC, update_id);
-- Name: firmware_update_by_rollout; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX firmware_update_by_rollout ON fleet.firmware_update USING btree (rollout_id, wave, state);
-- Name: firmware_update_live; Type: INDEX; Schema: fleet; Owner: -
CREATE UNIQUE INDEX firmware_update_live ON fleet.firmware_update USING btree (hub_id) WHERE (state = ANY (ARRAY['OFFERED'::text, 'DOWNLOADING'::text, 'DOWNLOADED'::text, 'INSTALLING'::text, 'TRIAL_BOOT'::text]));
-- Name: firmware_update_once; Type: INDEX; Schema: fleet; Owner: -
CREATE UNIQUE INDEX firmware_update_once ON fleet.firmware_update USING btree (rollout_id, hub_id);
-- Name: hub_by_lot; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX hub_by_lot ON fleet.hub USING btree (lot, hub_id) WHERE (lot <> ''::text);
-- Name: hub_by_state; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX hub_by_state ON fleet.hub USING btree (state, hub_id);
-- Name: inbox_handled_at; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX inbox_handled_at ON fleet.inbox USING btree (handled_at);
-- Name: manufacturing_entry_by_hub; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX manufacturing_entry_by_hub ON fleet.manufacturing_entry USING btree (import_id, hub_id);
-- Name: manufacturing_entry_by_key; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX manufacturing_entry_by_key ON fleet.manufacturing_entry USING btree (import_id, identity_public_key);
-- Name: outbox_published_at; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX outbox_published_at ON fleet.outbox USING btree (published_at) WHERE (published_at IS NOT NULL);
-- Name: outbox_waiting; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX outbox_waiting ON fleet.outbox USING btree ("position") WHERE (published_at IS NULL);
-- Name: request_record_created_at; Type: INDEX; Schema: fleet; Owner: -
CREATE INDEX request_record_created_at ON fleet.request_record USING btree (created_at);
-- Name: audit_entry audit_entry_before_insert; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER audit_entry_before_insert BEFORE INSERT ON fleet.audit_entry FOR EACH ROW EXECUTE FUNCTION fleet.audit_entry_before_insert();
-- Name: certificate certificate_admission; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER certificate_admission AFTER UPDATE ON fleet.certificate FOR EACH ROW WHEN ((old.revoke_time IS DISTINCT FROM new.revoke_time)) EXECUTE FUNCTION fleet.admission_changed();
-- Name: certificate_authority certificate_authority_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER certificate_authority_before_update BEFORE UPDATE ON fleet.certificate_authority FOR EACH ROW EXECUTE FUNCTION fleet.certificate_authority_before_update();
-- Name: certificate certificate_before_delete; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER certificate_before_delete BEFORE DELETE ON fleet.certificate FOR EACH ROW EXECUTE FUNCTION fleet.certificate_before_delete();
-- Name: certificate certificate_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER certificate_before_update BEFORE UPDATE ON fleet.certificate FOR EACH ROW EXECUTE FUNCTION fleet.certificate_before_update();
-- Name: consent consent_admission; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER consent_admission AFTER INSERT OR DELETE OR UPDATE ON fleet.consent FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();
-- Name: consent consent_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER consent_before_update BEFORE UPDATE ON fleet.consent FOR EACH ROW EXECUTE FUNCTION fleet.consent_before_update();
-- Name: firmware_release firmware_release_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER firmware_release_before_update BEFORE UPDATE ON fleet.firmware_release FOR EACH ROW EXECUTE FUNCTION fleet.firmware_release_before_update();
-- Name: firmware_update firmware_update_before_write; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER firmware_update_before_write BEFORE INSERT OR UPDATE ON fleet.firmware_update FOR EACH ROW WHEN (((new.state = ANY (ARRAY['INSTALLING'::text, 'TRIAL_BOOT'::text])) OR (new.permit_id IS NOT NULL))) EXECUTE FUNCTION fleet.firmware_update_before_write();
-- Name: hub hub_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER hub_before_update BEFORE UPDATE ON fleet.hub FOR EACH ROW EXECUTE FUNCTION fleet.hub_before_update();
-- Name: hub_director hub_director_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER hub_director_before_update BEFORE UPDATE ON fleet.hub_director FOR EACH ROW EXECUTE FUNCTION fleet.hub_director_before_update();
-- Name: hub hub_erase; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER hub_erase AFTER UPDATE ON fleet.hub FOR EACH ROW WHEN (((new.state = 'DECOMMISSIONED'::text) AND (old.state <> 'DECOMMISSIONED'::text))) EXECUTE FUNCTION fleet.hub_erase();
-- Name: hub hub_notify; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER hub_notify AFTER UPDATE ON fleet.hub FOR EACH ROW WHEN ((old.admission_version IS DISTINCT FROM new.admission_version)) EXECUTE FUNCTION fleet.hub_notify();
-- Name: owner_key owner_key_admission; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER owner_key_admission AFTER INSERT OR DELETE OR UPDATE ON fleet.owner_key FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();
-- Name: owner_key owner_key_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER owner_key_before_update BEFORE UPDATE ON fleet.owner_key FOR EACH ROW EXECUTE FUNCTION fleet.owner_key_before_update();
-- Name: peer_list peer_list_admission; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER peer_list_admission AFTER INSERT OR DELETE OR UPDATE ON fleet.peer_list FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();
-- Name: peer_list peer_list_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER peer_list_before_update BEFORE UPDATE ON fleet.peer_list FOR EACH ROW EXECUTE FUNCTION fleet.peer_list_before_update();
-- Name: trust_bundle trust_bundle_before_update; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER trust_bundle_before_update BEFORE UPDATE ON fleet.trust_bundle FOR EACH ROW EXECUTE FUNCTION fleet.trust_bundle_before_update();
-- Name: update_hold update_hold_admission; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER update_hold_admission AFTER INSERT OR DELETE OR UPDATE ON fleet.update_hold FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();
-- Name: update_hold update_hold_before_write; Type: TRIGGER; Schema: fleet; Owner: -
CREATE TRIGGER update_hold_before_write BEFORE INSERT OR UPDATE ON fleet.update_hold FOR EACH ROW EXECUTE FUNCTION fleet.update_hold_before_write();
-- Name: certificate certificate_hub_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.certificate
    ADD CONSTRAINT certificate_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES fleet.hub(hub_id);
-- Name: consent consent_hub_id_owner_epoch_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.consent
    ADD CONSTRAINT consent_hub_id_owner_epoch_fkey FOREIGN KEY (hub_id, owner_epoch) REFERENCES fleet.owner_key(hub_id, owner_epoch) ON DELETE CASCADE;
-- Name: firmware_piece firmware_piece_digest_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_piece
    ADD CONSTRAINT firmware_piece_digest_fkey FOREIGN KEY (digest) REFERENCES fleet.firmware_artefact(digest) ON DELETE CASCADE;
-- Name: firmware_rollout firmware_rollout_release_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_rollout
    ADD CONSTRAINT firmware_rollout_release_id_fkey FOREIGN KEY (release_id) REFERENCES fleet.firmware_release(release_id);
-- Name: firmware_update firmware_update_hub_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_update
    ADD CONSTRAINT firmware_update_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES fleet.hub(hub_id);
-- Name: firmware_update firmware_update_release_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_update
    ADD CONSTRAINT firmware_update_release_id_fkey FOREIGN KEY (release_id) REFERENCES fleet.firmware_release(release_id);
-- Name: firmware_update firmware_update_rollout_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.firmware_update
    ADD CONSTRAINT firmware_update_rollout_id_fkey FOREIGN KEY (rollout_id) REFERENCES fleet.firmware_rollout(rollout_id);
-- Name: hub_boot hub_boot_hub_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.hub_boot
    ADD CONSTRAINT hub_boot_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES fleet.hub(hub_id);
-- Name: hub_director hub_director_hub_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.hub_director
    ADD CONSTRAINT hub_director_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES fleet.hub(hub_id);
-- Name: manufacturing_entry manufacturing_entry_import_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.manufacturing_entry
    ADD CONSTRAINT manufacturing_entry_import_id_fkey FOREIGN KEY (import_id) REFERENCES fleet.manufacturing_import(import_id) ON DELETE CASCADE;
-- Name: manufacturing_import manufacturing_import_key_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.manufacturing_import
    ADD CONSTRAINT manufacturing_import_key_id_fkey FOREIGN KEY (key_id) REFERENCES fleet.factory_key(key_id);
-- Name: owner_key owner_key_hub_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.owner_key
    ADD CONSTRAINT owner_key_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES fleet.hub(hub_id);
-- Name: peer_list peer_list_hub_id_owner_epoch_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.peer_list
    ADD CONSTRAINT peer_list_hub_id_owner_epoch_fkey FOREIGN KEY (hub_id, owner_epoch) REFERENCES fleet.owner_key(hub_id, owner_epoch) ON DELETE CASCADE;
-- Name: revocation_list revocation_list_authority_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.revocation_list
    ADD CONSTRAINT revocation_list_authority_id_fkey FOREIGN KEY (authority_id) REFERENCES fleet.certificate_authority(authority_id);
-- Name: update_hold update_hold_hub_id_fkey; Type: FK CONSTRAINT; Schema: fleet; Owner: -
ALTER TABLE ONLY fleet.update_hold
    ADD CONSTRAINT update_hold_hub_id_fkey FOREIGN KEY (hub_id) REFERENCES fleet.hub(hub_id);
-- Name: request_record; Type: ROW SECURITY; Schema: fleet; Owner: -
ALTER TABLE fleet.request_record ENABLE ROW LEVEL SECURITY;
-- Name: request_record sweep; Type: POLICY; Schema: fleet; Owner: -
CREATE POLICY sweep ON fleet.request_record FOR DELETE USING (((COALESCE(current_setting('app.tenant_id'::text, true), ''::text) = ''::text) AND (created_at < (now() - '24:00:00'::interval))));
-- Name: request_record sweep_seen; Type: POLICY; Schema: fleet; Owner: -
CREATE POLICY sweep_seen ON fleet.request_record FOR SELECT USING (((COALESCE(current_setting('app.tenant_id'::text, true), ''::text) = ''::text) AND (created_at < (now() - '24:00:00'::interval))));
-- Name: request_record tenant; Type: POLICY; Schema: fleet; Owner: -
CREATE POLICY tenant ON fleet.request_record USING ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)) WITH CHECK ((tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid));
-- Name: SCHEMA fleet; Type: ACL; Schema: -; Owner: -
GRANT USAGE ON SCHEMA fleet TO fleet_service;
-- Name: FUNCTION admission_changed(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.admission_changed() FROM PUBLIC;
-- Name: FUNCTION audit_entry_before_insert(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.audit_entry_before_insert() FROM PUBLIC;
-- Name: FUNCTION certificate_authority_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.certificate_authority_before_update() FROM PUBLIC;
-- Name: FUNCTION certificate_before_delete(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.certificate_before_delete() FROM PUBLIC;
-- Name: FUNCTION certificate_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.certificate_before_update() FROM PUBLIC;
-- Name: FUNCTION consent_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.consent_before_update() FROM PUBLIC;
-- Name: FUNCTION firmware_release_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.firmware_release_before_update() FROM PUBLIC;
-- Name: FUNCTION firmware_update_before_write(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.firmware_update_before_write() FROM PUBLIC;
-- Name: FUNCTION hub_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.hub_before_update() FROM PUBLIC;
-- Name: FUNCTION hub_director_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.hub_director_before_update() FROM PUBLIC;
-- Name: FUNCTION hub_erase(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.hub_erase() FROM PUBLIC;
-- Name: FUNCTION hub_notify(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.hub_notify() FROM PUBLIC;
-- Name: FUNCTION owner_key_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.owner_key_before_update() FROM PUBLIC;
-- Name: FUNCTION peer_list_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.peer_list_before_update() FROM PUBLIC;
-- Name: FUNCTION trust_bundle_before_update(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.trust_bundle_before_update() FROM PUBLIC;
-- Name: FUNCTION update_hold_before_write(); Type: ACL; Schema: fleet; Owner: -
REVOKE ALL ON FUNCTION fleet.update_hold_before_write() FROM PUBLIC;
-- Name: TABLE audit_entry; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.audit_entry TO fleet_service;
-- Name: TABLE certificate; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE fleet.certificate TO fleet_service;
-- Name: COLUMN certificate.revoke_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(revoke_time) ON TABLE fleet.certificate TO fleet_service;
-- Name: COLUMN certificate.revocation_reason; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(revocation_reason) ON TABLE fleet.certificate TO fleet_service;
-- Name: TABLE certificate_authority; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.state; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(state) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.certificate_der; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(certificate_der) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.cross_certificates_der; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(cross_certificates_der) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.not_before_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(not_before_time) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.not_after_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(not_after_time) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.revision; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(revision) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: COLUMN certificate_authority.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(update_time) ON TABLE fleet.certificate_authority TO fleet_service;
-- Name: TABLE consent; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.owner_epoch; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(owner_epoch) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.sequence; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(sequence) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.signed; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(signed) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.lowered; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(lowered) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.statement; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(statement) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.signature; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(signature) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.key_id; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(key_id) ON TABLE fleet.consent TO fleet_service;
-- Name: COLUMN consent.take_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(take_time) ON TABLE fleet.consent TO fleet_service;
-- Name: TABLE factory_key; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.factory_key TO fleet_service;
-- Name: COLUMN factory_key.retire_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(retire_time) ON TABLE fleet.factory_key TO fleet_service;
-- Name: TABLE firmware_artefact; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE fleet.firmware_artefact TO fleet_service;
-- Name: COLUMN firmware_artefact.length_bytes; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(length_bytes) ON TABLE fleet.firmware_artefact TO fleet_service;
-- Name: COLUMN firmware_artefact.committed_bytes; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(committed_bytes) ON TABLE fleet.firmware_artefact TO fleet_service;
-- Name: COLUMN firmware_artefact.state; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(state) ON TABLE fleet.firmware_artefact TO fleet_service;
-- Name: COLUMN firmware_artefact.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(update_time) ON TABLE fleet.firmware_artefact TO fleet_service;
-- Name: TABLE firmware_metadata; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.firmware_metadata TO fleet_service;
-- Name: TABLE firmware_piece; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE fleet.firmware_piece TO fleet_service;
-- Name: TABLE firmware_release; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.artefacts; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(artefacts) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.hardware_models; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(hardware_models) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.hardware_revisions_min; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(hardware_revisions_min) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.hardware_revisions_max; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(hardware_revisions_max) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.base_sequences; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(base_sequences) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.firmware_sequence_min; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(firmware_sequence_min) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.boot_loader_version_min; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(boot_loader_version_min) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.security_fix; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(security_fix) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.notes; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(notes) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.state; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(state) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.targets_version; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(targets_version) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.revision; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(revision) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: COLUMN firmware_release.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(update_time) ON TABLE fleet.firmware_release TO fleet_service;
-- Name: TABLE firmware_rollout; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.state; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(state) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.current_wave; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(current_wave) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.stop_reason; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(stop_reason) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.approver; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(approver) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.wave_start_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(wave_start_time) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.soak_start_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(soak_start_time) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(update_time) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.revision; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(revision) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: COLUMN firmware_rollout.event_sequence; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(event_sequence) ON TABLE fleet.firmware_rollout TO fleet_service;
-- Name: TABLE firmware_update; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.state; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(state) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.hub_reason; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(hub_reason) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.failure; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(failure) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.permit_id; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(permit_id) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.permit_lock_epoch; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(permit_lock_epoch) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.permit_expire_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(permit_expire_time) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.begin_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(begin_time) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.begin_boot_count; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(begin_boot_count) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.begin_slot; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(begin_slot) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.report_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(report_time) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: COLUMN firmware_update.spent_permit_id; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(spent_permit_id) ON TABLE fleet.firmware_update TO fleet_service;
-- Name: TABLE hub; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.hub_id; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(hub_id) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.state; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(state),UPDATE(state) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.hardware_model; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(hardware_model) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.hardware_revision; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(hardware_revision) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.identity_public_key; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(identity_public_key) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.lot; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(lot) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.revision; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(revision),UPDATE(revision) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.certificates_not_before; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(certificates_not_before) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.create_time; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(create_time) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(update_time),UPDATE(update_time) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.event_sequence; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(event_sequence) ON TABLE fleet.hub TO fleet_service;
-- Name: COLUMN hub.factory_firmware_sequence; Type: ACL; Schema: fleet; Owner: -
GRANT INSERT(factory_firmware_sequence) ON TABLE fleet.hub TO fleet_service;
-- Name: TABLE hub_boot; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.slot; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(slot) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.boot_count; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(boot_count) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.firmware_sequence; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(firmware_sequence) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.firmware_version; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(firmware_version) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.boot_loader_version; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(boot_loader_version) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.trial; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(trial) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: COLUMN hub_boot.report_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(report_time) ON TABLE fleet.hub_boot TO fleet_service;
-- Name: TABLE hub_director; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.hub_director TO fleet_service;
-- Name: COLUMN hub_director.sequence; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(sequence) ON TABLE fleet.hub_director TO fleet_service;
-- Name: TABLE inbox; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE fleet.inbox TO fleet_service;
-- Name: TABLE job; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,UPDATE ON TABLE fleet.job TO fleet_service;
-- Name: TABLE manufacturing_entry; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE fleet.manufacturing_entry TO fleet_service;
-- Name: COLUMN manufacturing_entry.problem; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(problem) ON TABLE fleet.manufacturing_entry TO fleet_service;
-- Name: TABLE manufacturing_import; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.manufacturing_import TO fleet_service;
-- Name: COLUMN manufacturing_import.state; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(state) ON TABLE fleet.manufacturing_import TO fleet_service;
-- Name: COLUMN manufacturing_import.committed_count; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(committed_count) ON TABLE fleet.manufacturing_import TO fleet_service;
-- Name: COLUMN manufacturing_import.problem_count; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(problem_count) ON TABLE fleet.manufacturing_import TO fleet_service;
-- Name: COLUMN manufacturing_import.chain_digest; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(chain_digest) ON TABLE fleet.manufacturing_import TO fleet_service;
-- Name: COLUMN manufacturing_import.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(update_time) ON TABLE fleet.manufacturing_import TO fleet_service;
-- Name: TABLE outbox; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fleet.outbox TO fleet_service;
-- Name: TABLE owner_key; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.owner_key TO fleet_service;
-- Name: COLUMN owner_key.owner_epoch; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(owner_epoch) ON TABLE fleet.owner_key TO fleet_service;
-- Name: COLUMN owner_key.owner_public_key; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(owner_public_key) ON TABLE fleet.owner_key TO fleet_service;
-- Name: COLUMN owner_key.statement; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(statement) ON TABLE fleet.owner_key TO fleet_service;
-- Name: COLUMN owner_key.signature; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(signature) ON TABLE fleet.owner_key TO fleet_service;
-- Name: COLUMN owner_key.key_id; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(key_id) ON TABLE fleet.owner_key TO fleet_service;
-- Name: COLUMN owner_key.take_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(take_time) ON TABLE fleet.owner_key TO fleet_service;
-- Name: TABLE peer_list; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.owner_epoch; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(owner_epoch) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.sequence; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(sequence) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.peer_ids; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(peer_ids) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.subject_digests; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(subject_digests) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.not_after_seconds; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(not_after_seconds) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.statement; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(statement) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.signature; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(signature) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.key_id; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(key_id) ON TABLE fleet.peer_list TO fleet_service;
-- Name: COLUMN peer_list.take_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(take_time) ON TABLE fleet.peer_list TO fleet_service;
-- Name: TABLE request_record; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE fleet.request_record TO fleet_service;
-- Name: TABLE revocation_list; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.revocation_list TO fleet_service;
-- Name: COLUMN revocation_list.crl_number; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(crl_number) ON TABLE fleet.revocation_list TO fleet_service;
-- Name: COLUMN revocation_list.crl_der; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(crl_der) ON TABLE fleet.revocation_list TO fleet_service;
-- Name: COLUMN revocation_list.make_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(make_time) ON TABLE fleet.revocation_list TO fleet_service;
-- Name: COLUMN revocation_list.next_update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(next_update_time) ON TABLE fleet.revocation_list TO fleet_service;
-- Name: TABLE trust_bundle; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: COLUMN trust_bundle.version; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(version) ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: COLUMN trust_bundle.anchors_der; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(anchors_der) ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: COLUMN trust_bundle.statement; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(statement) ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: COLUMN trust_bundle.signature; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(signature) ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: COLUMN trust_bundle.key_id; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(key_id) ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: COLUMN trust_bundle.take_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(take_time) ON TABLE fleet.trust_bundle TO fleet_service;
-- Name: TABLE update_hold; Type: ACL; Schema: fleet; Owner: -
GRANT SELECT,INSERT ON TABLE fleet.update_hold TO fleet_service;
-- Name: COLUMN update_hold.reason; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(reason) ON TABLE fleet.update_hold TO fleet_service;
-- Name: COLUMN update_hold.lock_epoch; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(lock_epoch) ON TABLE fleet.update_hold TO fleet_service;
-- Name: COLUMN update_hold.update_time; Type: ACL; Schema: fleet; Owner: -
GRANT UPDATE(update_time) ON TABLE fleet.update_hold TO fleet_service;
-- PostgreSQL database dump complete
