-- Why: containers on their way: what is stored for good so far, so that an interrupted upload goes on.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE backup.upload (
    upload_id       uuid        PRIMARY KEY,
    locator         bytea       NOT NULL CHECK (octet_length(locator) = 16),
    length_bytes    bigint      NOT NULL CHECK (length_bytes BETWEEN 65536 AND 8388608),
    committed_bytes bigint      NOT NULL DEFAULT 0 CHECK (committed_bytes BETWEEN 0 AND length_bytes),
    state           text        NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'REFUSED', 'CANCELLED', 'COMMITTED')),
    generation      bigint,
    expire_time     timestamptz NOT NULL,
    CHECK ((state = 'COMMITTED') = (generation IS NOT NULL))
);
COMMENT ON TABLE backup.upload IS 'One container on its way; a row goes at its expiry.';
COMMENT ON COLUMN backup.upload.upload_id IS 'PSEUDONYM: the upload, a random UUID.';
COMMENT ON COLUMN backup.upload.locator IS 'PSEUDONYM: the line that it is for.';
COMMENT ON COLUMN backup.upload.length_bytes IS 'PUBLIC: the length of the whole container.';
COMMENT ON COLUMN backup.upload.committed_bytes IS 'PUBLIC: how much is stored for good and checked.';
COMMENT ON COLUMN backup.upload.state IS 'PUBLIC: where it is.';
COMMENT ON COLUMN backup.upload.generation IS 'PUBLIC: what it became; null until it is committed.';
COMMENT ON COLUMN backup.upload.expire_time IS 'PUBLIC: when it is thrown away, a whole hour.';
CREATE INDEX upload_by_expiry ON backup.upload (expire_time);

CREATE TABLE backup.upload_piece (
    upload_id    uuid   NOT NULL REFERENCES backup.upload ON DELETE CASCADE,
    offset_bytes bigint NOT NULL CHECK (offset_bytes >= 0),
    length_bytes bigint NOT NULL CHECK (length_bytes > 0),
    object_id    uuid   NOT NULL UNIQUE,
    PRIMARY KEY (upload_id, offset_bytes)
);
COMMENT ON TABLE backup.upload_piece IS 'The stored pieces of an upload.';
COMMENT ON COLUMN backup.upload_piece.upload_id IS 'PSEUDONYM: the upload.';
COMMENT ON COLUMN backup.upload_piece.offset_bytes IS 'PUBLIC: where the piece starts.';
COMMENT ON COLUMN backup.upload_piece.length_bytes IS 'PUBLIC: how long it is.';
COMMENT ON COLUMN backup.upload_piece.object_id IS 'PSEUDONYM: the random name of the object with the bytes.';

GRANT SELECT, INSERT, DELETE ON backup.upload, backup.upload_piece TO backup_service;
GRANT UPDATE (committed_bytes, state, generation) ON backup.upload TO backup_service;
