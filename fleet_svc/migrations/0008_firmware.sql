-- Why: the firmware: images by digest, releases, and the files of the TUF repository. All of it is public by nature.
-- Images are kept in pieces, so that an upload goes on where it stopped and any node gives out any range (ADR 0056).
-- Locks: fleet.firmware_update ACCESS EXCLUSIVE for an instant, for its foreign key; it is empty.

CREATE TABLE fleet.firmware_artefact (
    digest          bytea       PRIMARY KEY CHECK (octet_length(digest) = 32),
    length_bytes    bigint      NOT NULL CHECK (length_bytes BETWEEN 1 AND 1073741824),
    committed_bytes bigint      NOT NULL DEFAULT 0 CHECK (committed_bytes BETWEEN 0 AND length_bytes),
    state           text        NOT NULL CHECK (state IN ('UPLOADING', 'READY', 'REFUSED')),
    create_time     timestamptz NOT NULL,
    update_time     timestamptz NOT NULL,
    CHECK (state <> 'READY' OR committed_bytes = length_bytes)
);
COMMENT ON TABLE fleet.firmware_artefact IS 'Images, each named by the SHA-256 of its bytes.';
COMMENT ON COLUMN fleet.firmware_artefact.digest IS 'PUBLIC: the SHA-256.';
COMMENT ON COLUMN fleet.firmware_artefact.length_bytes IS 'PUBLIC: the exact length.';
COMMENT ON COLUMN fleet.firmware_artefact.committed_bytes IS 'PUBLIC: how much is stored for good.';
COMMENT ON COLUMN fleet.firmware_artefact.state IS 'PUBLIC: whether it is complete, and what its name says.';
COMMENT ON COLUMN fleet.firmware_artefact.create_time IS 'PUBLIC: when its upload was started.';
COMMENT ON COLUMN fleet.firmware_artefact.update_time IS 'PUBLIC: when its last piece came.';

CREATE TABLE fleet.firmware_piece (
    digest       bytea  NOT NULL REFERENCES fleet.firmware_artefact ON DELETE CASCADE,
    offset_bytes bigint NOT NULL CHECK (offset_bytes >= 0),
    data         bytea  NOT NULL CHECK (octet_length(data) BETWEEN 1 AND 262144),
    PRIMARY KEY (digest, offset_bytes)
);
-- Images are compressed already.
ALTER TABLE fleet.firmware_piece ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE fleet.firmware_piece IS 'The bytes of images, in pieces that follow each other.';
COMMENT ON COLUMN fleet.firmware_piece.digest IS 'PUBLIC: the image.';
COMMENT ON COLUMN fleet.firmware_piece.offset_bytes IS 'PUBLIC: where in the image the piece starts.';
COMMENT ON COLUMN fleet.firmware_piece.data IS 'PUBLIC: the piece.';

CREATE TABLE fleet.firmware_release (
    release_id              uuid        PRIMARY KEY,
    version                 text        NOT NULL UNIQUE CHECK (char_length(version) <= 32),
    sequence                bigint      NOT NULL UNIQUE CHECK (sequence > 0),
    artefacts               bytea[]     NOT NULL CHECK (cardinality(artefacts) BETWEEN 1 AND 16),
    hardware_models         text[]      NOT NULL CHECK (cardinality(hardware_models) = cardinality(artefacts)),
    hardware_revisions_min  bigint[]    NOT NULL CHECK (cardinality(hardware_revisions_min) = cardinality(artefacts)),
    hardware_revisions_max  bigint[]    NOT NULL CHECK (cardinality(hardware_revisions_max) = cardinality(artefacts)),
    base_sequences          bigint[]    NOT NULL CHECK (cardinality(base_sequences) = cardinality(artefacts)),
    firmware_sequence_min   bigint      NOT NULL CHECK (firmware_sequence_min >= 0),
    boot_loader_version_min bigint      NOT NULL CHECK (boot_loader_version_min BETWEEN 0 AND 4294967295),
    security_fix            boolean     NOT NULL,
    notes                   text        NOT NULL CHECK (char_length(notes) <= 4000),
    state                   text        NOT NULL CHECK (state IN ('DRAFT', 'SIGNED', 'WITHDRAWN')),
    targets_version         bigint      NOT NULL DEFAULT 0 CHECK (targets_version >= 0),
    revision                bigint      NOT NULL DEFAULT 1 CHECK (revision > 0),
    create_time             timestamptz NOT NULL,
    update_time             timestamptz NOT NULL,
    CHECK (state <> 'SIGNED' OR targets_version > 0)
);
COMMENT ON TABLE fleet.firmware_release IS 'Versions of the firmware.';
COMMENT ON COLUMN fleet.firmware_release.release_id IS 'PUBLIC: the release.';
COMMENT ON COLUMN fleet.firmware_release.version IS 'PUBLIC: the version to show; never used twice.';
COMMENT ON COLUMN fleet.firmware_release.sequence IS 'PUBLIC: what a roll-back is measured by; never used twice.';
COMMENT ON COLUMN fleet.firmware_release.artefacts IS 'PUBLIC: the digests of the images; the next four columns are in the same order.';
COMMENT ON COLUMN fleet.firmware_release.hardware_models IS 'PUBLIC: the hardware that each image is for.';
COMMENT ON COLUMN fleet.firmware_release.hardware_revisions_min IS 'PUBLIC: the least revision of it.';
COMMENT ON COLUMN fleet.firmware_release.hardware_revisions_max IS 'PUBLIC: the greatest revision of it.';
COMMENT ON COLUMN fleet.firmware_release.base_sequences IS 'PUBLIC: the sequence that each image is a difference to; 0: it is whole.';
COMMENT ON COLUMN fleet.firmware_release.firmware_sequence_min IS 'PUBLIC: the least sequence that can step to it; 0: any.';
COMMENT ON COLUMN fleet.firmware_release.boot_loader_version_min IS 'PUBLIC: the least boot loader; 0: any.';
COMMENT ON COLUMN fleet.firmware_release.security_fix IS 'PUBLIC: whether it mends a weakness.';
COMMENT ON COLUMN fleet.firmware_release.notes IS 'PUBLIC: what is new, for owners to read.';
COMMENT ON COLUMN fleet.firmware_release.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN fleet.firmware_release.targets_version IS 'PUBLIC: the TUF targets that first listed it; 0: none did.';
COMMENT ON COLUMN fleet.firmware_release.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN fleet.firmware_release.create_time IS 'PUBLIC: when it was created.';
COMMENT ON COLUMN fleet.firmware_release.update_time IS 'PUBLIC: when it last changed.';

-- What was signed offline is not changed by us, and what was withdrawn stays so.
CREATE FUNCTION fleet.firmware_release_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
REVOKE EXECUTE ON FUNCTION fleet.firmware_release_before_update() FROM PUBLIC;
CREATE TRIGGER firmware_release_before_update BEFORE UPDATE ON fleet.firmware_release
    FOR EACH ROW EXECUTE FUNCTION fleet.firmware_release_before_update();

ALTER TABLE fleet.firmware_update ADD FOREIGN KEY (release_id) REFERENCES fleet.firmware_release;

CREATE TABLE fleet.firmware_metadata (
    role        text        NOT NULL CHECK (role IN ('root', 'targets', 'snapshot', 'timestamp')),
    version     bigint      NOT NULL CHECK (version BETWEEN 1 AND 999999999),
    content     bytea       NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 1048576),
    expire_time timestamptz NOT NULL,
    create_time timestamptz NOT NULL,
    PRIMARY KEY (role, version)
);
COMMENT ON TABLE fleet.firmware_metadata IS 'The files of the TUF repository. A file is never changed; a newer version takes its place.';
COMMENT ON COLUMN fleet.firmware_metadata.role IS 'PUBLIC: what it says.';
COMMENT ON COLUMN fleet.firmware_metadata.version IS 'PUBLIC: rises by one with each file of a role.';
COMMENT ON COLUMN fleet.firmware_metadata.content IS 'PUBLIC: the file, byte for byte as signed.';
COMMENT ON COLUMN fleet.firmware_metadata.expire_time IS 'PUBLIC: until when it holds.';
COMMENT ON COLUMN fleet.firmware_metadata.create_time IS 'PUBLIC: when it was published.';

GRANT SELECT, INSERT, DELETE ON fleet.firmware_artefact, fleet.firmware_piece TO fleet_service;
GRANT UPDATE (length_bytes, committed_bytes, state, update_time) ON fleet.firmware_artefact TO fleet_service;
GRANT SELECT, INSERT ON fleet.firmware_release, fleet.firmware_metadata TO fleet_service;
GRANT UPDATE (artefacts, hardware_models, hardware_revisions_min, hardware_revisions_max, base_sequences,
              firmware_sequence_min, boot_loader_version_min, security_fix, notes, state,
              targets_version, revision, update_time)
    ON fleet.firmware_release TO fleet_service;
