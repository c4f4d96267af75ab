-- What backup_svc/migrations end in, written by tests/integration/backup_svc/test_schema.py.
-- PostgreSQL database dump
-- Name: backup; Type: SCHEMA; Schema: -; Owner: -
CREATE SCHEMA backup;
-- Name: backup_before_update(); Type: FUNCTION; Schema: backup; Owner: -
CREATE FUNCTION backup.backup_before_update() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
BEGIN
    IF NEW.newest_generation NOT IN (OLD.newest_generation, OLD.newest_generation + 1)
        OR NEW.write_key <> OLD.write_key OR NEW.locator <> OLD.locator
    THEN
        RAISE EXCEPTION 'a line moves forward one by one under one key'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'line_moves_forward';
    END IF;
    RETURN NEW;
END $$;
-- Name: backup; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.backup (
    locator bytea NOT NULL,
    write_key bytea NOT NULL,
    newest_generation bigint NOT NULL,
    newest_digest bytea NOT NULL,
    purge_day date NOT NULL,
    CONSTRAINT backup_locator_check CHECK ((octet_length(locator) = 16)),
    CONSTRAINT backup_newest_digest_check CHECK ((octet_length(newest_digest) = 32)),
    CONSTRAINT backup_newest_generation_check CHECK (((newest_generation >= 1) AND (newest_generation <= '4294967295'::bigint))),
    CONSTRAINT backup_write_key_check CHECK ((octet_length(write_key) = 32))
);
-- Name: TABLE backup; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.backup IS 'One line of generations under one locator.';
-- Name: COLUMN backup.locator; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.backup.locator IS 'PSEUDONYM: what the Recovery Key derives; names nobody.';
-- Name: COLUMN backup.write_key; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.backup.write_key IS 'PSEUDONYM: the public key that signs the line, Ed25519.';
-- Name: COLUMN backup.newest_generation; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.backup.newest_generation IS 'PUBLIC: the newest generation.';
-- Name: COLUMN backup.newest_digest; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.backup.newest_digest IS 'PSEUDONYM: its digest, which the next one names.';
-- Name: COLUMN backup.purge_day; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.backup.purge_day IS 'PUBLIC: the UTC day on which all of it is purged.';
-- Name: collection; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.collection (
    only_row boolean DEFAULT true NOT NULL,
    orphan_count bigint NOT NULL,
    CONSTRAINT collection_only_row_check CHECK (only_row),
    CONSTRAINT collection_orphan_count_check CHECK ((orphan_count >= 0))
);
-- Name: TABLE collection; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.collection IS 'What the last collection of objects without a row found.';
-- Name: COLUMN collection.only_row; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.collection.only_row IS 'PUBLIC: there is one row.';
-- Name: COLUMN collection.orphan_count; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.collection.orphan_count IS 'PUBLIC: how many were too young to be deleted.';
-- Name: generation; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.generation (
    locator bytea NOT NULL,
    generation bigint NOT NULL,
    object_id uuid NOT NULL,
    format_version integer NOT NULL,
    suite integer NOT NULL,
    content_type integer NOT NULL,
    size_bucket integer NOT NULL,
    digest bytea NOT NULL,
    previous_digest bytea NOT NULL,
    store_day date NOT NULL,
    CONSTRAINT generation_content_type_check CHECK ((content_type = 1)),
    CONSTRAINT generation_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT generation_format_version_check CHECK ((format_version = 1)),
    CONSTRAINT generation_generation_check CHECK ((generation > 0)),
    CONSTRAINT generation_previous_digest_check CHECK ((octet_length(previous_digest) = 32)),
    CONSTRAINT generation_size_bucket_check CHECK (((size_bucket >= 16) AND (size_bucket <= 23))),
    CONSTRAINT generation_suite_check CHECK ((suite = 1))
);
-- Name: TABLE generation; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.generation IS 'One stored container: what its head says, and the object that holds its bytes.';
-- Name: COLUMN generation.locator; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.locator IS 'PSEUDONYM: the line that it belongs to.';
-- Name: COLUMN generation.generation; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.generation IS 'PUBLIC: its place in the line.';
-- Name: COLUMN generation.object_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.object_id IS 'PSEUDONYM: the random name of the object with the bytes.';
-- Name: COLUMN generation.format_version; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.format_version IS 'PUBLIC: the version of the byte format.';
-- Name: COLUMN generation.suite; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.suite IS 'PUBLIC: the cryptography.';
-- Name: COLUMN generation.content_type; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.content_type IS 'PUBLIC: what is sealed; 1: a layout.';
-- Name: COLUMN generation.size_bucket; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.size_bucket IS 'PUBLIC: the padded length, as a power of two.';
-- Name: COLUMN generation.digest; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.digest IS 'PSEUDONYM: the root of the hash tree.';
-- Name: COLUMN generation.previous_digest; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.previous_digest IS 'PSEUDONYM: the digest of the generation before.';
-- Name: COLUMN generation.store_day; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.generation.store_day IS 'PUBLIC: the UTC day on which it was stored.';
-- Name: job; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.job (
    name text NOT NULL,
    every interval NOT NULL,
    last_success_at timestamp with time zone,
    CONSTRAINT job_every_check CHECK ((every > '00:00:00'::interval))
);
-- Name: TABLE job; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.job IS 'Recurring jobs. Belongs to no tenant.';
-- Name: COLUMN job.name; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.job.name IS 'PUBLIC: the job.';
-- Name: COLUMN job.every; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.job.every IS 'PUBLIC: how often it runs.';
-- Name: COLUMN job.last_success_at; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.job.last_success_at IS 'PUBLIC: when it last succeeded.';
-- Name: schema_migration; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.schema_migration (
    number integer NOT NULL,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
-- Name: TABLE schema_migration; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.schema_migration IS 'The migrations that were applied. Belongs to no tenant.';
-- Name: COLUMN schema_migration.number; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.schema_migration.number IS 'PUBLIC: the number of the file.';
-- Name: COLUMN schema_migration.name; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.schema_migration.name IS 'PUBLIC: the name of the file.';
-- Name: COLUMN schema_migration.checksum; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.schema_migration.checksum IS 'PUBLIC: SHA-256 of what was run.';
-- Name: COLUMN schema_migration.applied_at; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.schema_migration.applied_at IS 'PUBLIC: when it was run.';
-- Name: spent_ticket; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.spent_ticket (
    ticket_digest bytea NOT NULL,
    key_id bytea NOT NULL,
    upload_id uuid NOT NULL,
    CONSTRAINT spent_ticket_ticket_digest_check CHECK ((octet_length(ticket_digest) = 32))
);
-- Name: TABLE spent_ticket; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.spent_ticket IS 'Tickets that were spent, until their key ends.';
-- Name: COLUMN spent_ticket.ticket_digest; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.spent_ticket.ticket_digest IS 'PSEUDONYM: SHA-256 of the ticket''s input.';
-- Name: COLUMN spent_ticket.key_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.spent_ticket.key_id IS 'PUBLIC: the key that signed it.';
-- Name: COLUMN spent_ticket.upload_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.spent_ticket.upload_id IS 'PSEUDONYM: the upload that it opened, so that a retry finds it.';
-- Name: ticket_issue; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.ticket_issue (
    hub_id uuid NOT NULL,
    day date NOT NULL,
    message_digest bytea NOT NULL,
    CONSTRAINT ticket_issue_message_digest_check CHECK ((octet_length(message_digest) = 32))
);
-- Name: TABLE ticket_issue; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.ticket_issue IS 'How many tickets each Hub got this day. A digest is of a blinded message, which says nothing of the ticket; rows go with the day.';
-- Name: COLUMN ticket_issue.hub_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_issue.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN ticket_issue.day; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_issue.day IS 'PUBLIC: the UTC day.';
-- Name: COLUMN ticket_issue.message_digest; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_issue.message_digest IS 'PSEUDONYM: SHA-256 of a blinded message, so that a retry is counted once.';
-- Name: ticket_key; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.ticket_key (
    key_id bytea NOT NULL,
    public_der bytea NOT NULL,
    sealed_private bytea NOT NULL,
    data_key_blob bytea NOT NULL,
    start_time timestamp with time zone NOT NULL,
    retire_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone NOT NULL,
    CONSTRAINT ticket_key_check CHECK ((retire_time > start_time)),
    CONSTRAINT ticket_key_check1 CHECK ((end_time > retire_time)),
    CONSTRAINT ticket_key_key_id_check CHECK ((octet_length(key_id) = 8)),
    CONSTRAINT ticket_key_public_der_check CHECK (((octet_length(public_der) >= 1) AND (octet_length(public_der) <= 1024)))
);
-- Name: TABLE ticket_key; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.ticket_key IS 'The keys that tickets are signed with; one at a time, the same for every Hub.';
-- Name: COLUMN ticket_key.key_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.key_id IS 'PUBLIC: the first 8 bytes of the SHA-256 of the public key.';
-- Name: COLUMN ticket_key.public_der; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.public_der IS 'PUBLIC: the public key.';
-- Name: COLUMN ticket_key.sealed_private; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.sealed_private IS 'SECRET: the private key under its data key; nonce first.';
-- Name: COLUMN ticket_key.data_key_blob; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.data_key_blob IS 'SECRET: the data key as the KMS wrapped it.';
-- Name: COLUMN ticket_key.start_time; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.start_time IS 'PUBLIC: from when it signs.';
-- Name: COLUMN ticket_key.retire_time; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.retire_time IS 'PUBLIC: until when it signs.';
-- Name: COLUMN ticket_key.end_time; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.ticket_key.end_time IS 'PUBLIC: until when its tickets are taken.';
-- Name: upload; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.upload (
    upload_id uuid NOT NULL,
    locator bytea NOT NULL,
    length_bytes bigint NOT NULL,
    committed_bytes bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'OPEN'::text NOT NULL,
    generation bigint,
    expire_time timestamp with time zone NOT NULL,
    CONSTRAINT upload_check CHECK (((committed_bytes >= 0) AND (committed_bytes <= length_bytes))),
    CONSTRAINT upload_check1 CHECK (((state = 'COMMITTED'::text) = (generation IS NOT NULL))),
    CONSTRAINT upload_length_bytes_check CHECK (((length_bytes >= 65536) AND (length_bytes <= 8388608))),
    CONSTRAINT upload_locator_check CHECK ((octet_length(locator) = 16)),
    CONSTRAINT upload_state_check CHECK ((state = ANY (ARRAY['OPEN'::text, 'REFUSED'::text, 'CANCELLED'::text, 'COMMITTED'::text])))
);
-- Name: TABLE upload; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.upload IS 'One container on its way; a row goes at its expiry.';
-- Name: COLUMN upload.upload_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.upload_id IS 'PSEUDONYM: the upload, a random UUID.';
-- Name: COLUMN upload.locator; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.locator IS 'PSEUDONYM: the line that it is for.';
-- Name: COLUMN upload.length_bytes; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.length_bytes IS 'PUBLIC: the length of the whole container.';
-- Name: COLUMN upload.committed_bytes; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.committed_bytes IS 'PUBLIC: how much is stored for good and checked.';
-- Name: COLUMN upload.state; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.state IS 'PUBLIC: where it is.';
-- Name: COLUMN upload.generation; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.generation IS 'PUBLIC: what it became; null until it is committed.';
-- Name: COLUMN upload.expire_time; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload.expire_time IS 'PUBLIC: when it is thrown away, a whole hour.';
-- Name: upload_piece; Type: TABLE; Schema: backup; Owner: -
CREATE TABLE backup.upload_piece (
    upload_id uuid NOT NULL,
    offset_bytes bigint NOT NULL,
    length_bytes bigint NOT NULL,
    object_id uuid NOT NULL,
    CONSTRAINT upload_piece_length_bytes_check CHECK ((length_bytes > 0)),
    CONSTRAINT upload_piece_offset_bytes_check CHECK ((offset_bytes >= 0))
);
-- Name: TABLE upload_piece; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON TABLE backup.upload_piece IS 'The stored pieces of an upload.';
-- Name: COLUMN upload_piece.upload_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload_piece.upload_id IS 'PSEUDONYM: the upload.';
-- Name: COLUMN upload_piece.offset_bytes; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload_piece.offset_bytes IS 'PUBLIC: where the piece starts.';
-- Name: COLUMN upload_piece.length_bytes; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload_piece.length_bytes IS 'PUBLIC: how long it is.';
-- Name: COLUMN upload_piece.object_id; Type: COMMENT; Schema: backup; Owner: -
COMMENT ON COLUMN backup.upload_piece.object_id IS 'PSEUDONYM: the random name of the object with the bytes.';
-- Name: backup backup_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.backup
    ADD CONSTRAINT backup_pkey PRIMARY KEY (locator);
-- Name: collection collection_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.collection
    ADD CONSTRAINT collection_pkey PRIMARY KEY (only_row);
-- Name: generation generation_object_id_key; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.generation
    ADD CONSTRAINT generation_object_id_key UNIQUE (object_id);
-- Name: generation generation_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.generation
    ADD CONSTRAINT generation_pkey PRIMARY KEY (locator, generation);
-- Name: job job_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);
-- Name: schema_migration schema_migration_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number);
-- Name: spent_ticket spent_ticket_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.spent_ticket
    ADD CONSTRAINT spent_ticket_pkey PRIMARY KEY (ticket_digest);
-- Name: spent_ticket spent_ticket_upload_id_key; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.spent_ticket
    ADD CONSTRAINT spent_ticket_upload_id_key UNIQUE (upload_id);
-- Name: ticket_issue ticket_issue_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.ticket_issue
    ADD CONSTRAINT ticket_issue_pkey PRIMARY KEY (hub_id, day, message_digest);
-- Name: ticket_key ticket_key_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.ticket_key
    ADD CONSTRAINT ticket_key_pkey PRIMARY KEY (key_id);
-- Name: upload_piece upload_piece_object_id_key; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.upload_piece
    ADD CONSTRAINT upload_piece_object_id_key UNIQUE (object_id);
-- Name: upload_piece upload_piece_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.upload_piece
    ADD CONSTRAINT upload_piece_pkey PRIMARY KEY (upload_id, offset_bytes);
-- Name: upload upload_pkey; Type: CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (upload_id);
-- Name: backup_by_purge_day; Type: INDEX; Schema: backup; Owner: -
CREATE INDEX backup_by_purge_day ON backup.backup USING btree (purge_day);
-- Name: upload_by_expiry; Type: INDEX; Schema: backup; Owner: -
CREATE INDEX upload_by_expiry ON backup.upload USING btree (expire_time);
-- Name: backup backup_before_update; Type: TRIGGER; Schema: backup; Owner: -
CREATE TRIGGER backup_before_update BEFORE UPDATE ON backup.backup FOR EACH ROW EXECUTE FUNCTION backup.backup_before_update();
-- Name: generation generation_locator_fkey; Type: FK CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.generation
    ADD CONSTRAINT generation_locator_fkey FOREIGN KEY (locator) REFERENCES backup.backup(locator) ON DELETE CASCADE;
-- Name: spent_ticket spent_ticket_key_id_fkey; Type: FK CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.spent_ticket
    ADD CONSTRAINT spent_ticket_key_id_fkey FOREIGN KEY (key_id) REFERENCES backup.ticket_key(key_id) ON DELETE CASCADE;
-- Name: upload_piece upload_piece_upload_id_fkey; Type: FK CONSTRAINT; Schema: backup; Owner: -
ALTER TABLE ONLY backup.upload_piece
    ADD CONSTRAINT upload_piece_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES backup.upload(upload_id) ON DELETE CASCADE;
-- Name: SCHEMA backup; Type: ACL; Schema: -; Owner: -
GRANT USAGE ON SCHEMA backup TO backup_service;
-- Name: FUNCTION backup_before_update(); Type: ACL; Schema: backup; Owner: -
REVOKE ALL ON FUNCTION backup.backup_before_update() FROM PUBLIC;
-- Name: TABLE backup; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.backup TO backup_service;
-- Name: COLUMN backup.newest_generation; Type: ACL; Schema: backup; Owner: -
GRANT UPDATE(newest_generation) ON TABLE backup.backup TO backup_service;
-- Name: COLUMN backup.newest_digest; Type: ACL; Schema: backup; Owner: -
GRANT UPDATE(newest_digest) ON TABLE backup.backup TO backup_service;
-- Name: COLUMN backup.purge_day; Type: ACL; Schema: backup; Owner: -
GRANT UPDATE(purge_day) ON TABLE backup.backup TO backup_service;
-- Name: TABLE collection; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,UPDATE ON TABLE backup.collection TO backup_service;
-- Name: TABLE generation; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.generation TO backup_service;
-- Name: TABLE job; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,UPDATE ON TABLE backup.job TO backup_service;
-- Name: TABLE spent_ticket; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.spent_ticket TO backup_service;
-- Name: TABLE ticket_issue; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.ticket_issue TO backup_service;
-- Name: TABLE ticket_key; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.ticket_key TO backup_service;
-- Name: TABLE upload; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.upload TO backup_service;
-- Name: COLUMN upload.committed_bytes; Type: ACL; Schema: backup; Owner: -
GRANT UPDATE(committed_bytes) ON TABLE backup.upload TO backup_service;
-- Name: COLUMN upload.state; Type: ACL; Schema: backup; Owner: -
GRANT UPDATE(state) ON TABLE backup.upload TO backup_service;
-- Name: COLUMN upload.generation; Type: ACL; Schema: backup; Owner: -
GRANT UPDATE(generation) ON TABLE backup.upload TO backup_service;
-- Name: TABLE upload_piece; Type: ACL; Schema: backup; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE backup.upload_piece TO backup_service;
-- PostgreSQL database dump complete
