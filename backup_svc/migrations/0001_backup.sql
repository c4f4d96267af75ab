-- Why: sealed containers by locator. There is no Hub, no account and no tenant in these tables, on purpose: whose a
-- backup is, is nowhere; so there is nothing that row security could tell apart. Days are kept, never instants.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE backup.backup (
    locator           bytea  PRIMARY KEY CHECK (octet_length(locator) = 16),
    write_key         bytea  NOT NULL CHECK (octet_length(write_key) = 32),
    newest_generation bigint NOT NULL CHECK (newest_generation BETWEEN 1 AND 4294967295),
    newest_digest     bytea  NOT NULL CHECK (octet_length(newest_digest) = 32),
    purge_day         date   NOT NULL
);
COMMENT ON TABLE backup.backup IS 'One line of generations under one locator.';
COMMENT ON COLUMN backup.backup.locator IS 'PSEUDONYM: what the Recovery Key derives; names nobody.';
COMMENT ON COLUMN backup.backup.write_key IS 'PSEUDONYM: the public key that signs the line, Ed25519.';
COMMENT ON COLUMN backup.backup.newest_generation IS 'PUBLIC: the newest generation.';
COMMENT ON COLUMN backup.backup.newest_digest IS 'PSEUDONYM: its digest, which the next one names.';
COMMENT ON COLUMN backup.backup.purge_day IS 'PUBLIC: the UTC day on which all of it is purged.';
CREATE INDEX backup_by_purge_day ON backup.backup (purge_day);

CREATE TABLE backup.generation (
    locator         bytea  NOT NULL REFERENCES backup.backup ON DELETE CASCADE,
    generation      bigint NOT NULL CHECK (generation > 0),
    object_id       uuid   NOT NULL UNIQUE,
    format_version  int    NOT NULL CHECK (format_version = 1),
    suite           int    NOT NULL CHECK (suite = 1),
    content_type    int    NOT NULL CHECK (content_type = 1),
    size_bucket     int    NOT NULL CHECK (size_bucket BETWEEN 16 AND 23),
    digest          bytea  NOT NULL CHECK (octet_length(digest) = 32),
    previous_digest bytea  NOT NULL CHECK (octet_length(previous_digest) = 32),
    store_day       date   NOT NULL,
    PRIMARY KEY (locator, generation)
);
COMMENT ON TABLE backup.generation IS 'One stored container: what its head says, and the object that holds its bytes.';
COMMENT ON COLUMN backup.generation.locator IS 'PSEUDONYM: the line that it belongs to.';
COMMENT ON COLUMN backup.generation.generation IS 'PUBLIC: its place in the line.';
COMMENT ON COLUMN backup.generation.object_id IS 'PSEUDONYM: the random name of the object with the bytes.';
COMMENT ON COLUMN backup.generation.format_version IS 'PUBLIC: the version of the byte format.';
COMMENT ON COLUMN backup.generation.suite IS 'PUBLIC: the cryptography.';
COMMENT ON COLUMN backup.generation.content_type IS 'PUBLIC: what is sealed; 1: a layout.';
COMMENT ON COLUMN backup.generation.size_bucket IS 'PUBLIC: the padded length, as a power of two.';
COMMENT ON COLUMN backup.generation.digest IS 'PSEUDONYM: the root of the hash tree.';
COMMENT ON COLUMN backup.generation.previous_digest IS 'PSEUDONYM: the digest of the generation before.';
COMMENT ON COLUMN backup.generation.store_day IS 'PUBLIC: the UTC day on which it was stored.';

-- A line only moves forward, one by one, under the key that began it; whatever the code says.
CREATE FUNCTION backup.backup_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.newest_generation NOT IN (OLD.newest_generation, OLD.newest_generation + 1)
        OR NEW.write_key <> OLD.write_key OR NEW.locator <> OLD.locator
    THEN
        RAISE EXCEPTION 'a line moves forward one by one under one key'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'line_moves_forward';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION backup.backup_before_update() FROM PUBLIC;
CREATE TRIGGER backup_before_update BEFORE UPDATE ON backup.backup
    FOR EACH ROW EXECUTE FUNCTION backup.backup_before_update();

CREATE TABLE backup.collection (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    orphan_count bigint  NOT NULL CHECK (orphan_count >= 0)
);
COMMENT ON TABLE backup.collection IS 'What the last collection of objects without a row found.';
COMMENT ON COLUMN backup.collection.only_row IS 'PUBLIC: there is one row.';
COMMENT ON COLUMN backup.collection.orphan_count IS 'PUBLIC: how many were too young to be deleted.';

GRANT SELECT, INSERT, DELETE ON backup.backup, backup.generation TO backup_service;
GRANT UPDATE (newest_generation, newest_digest, purge_day) ON backup.backup TO backup_service;
GRANT SELECT, INSERT, UPDATE ON backup.collection TO backup_service;
