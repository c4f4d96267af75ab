-- Why: one-use tickets. The side that knows a Hub keeps how many it got this day; the side that takes tickets keeps
-- which were spent; blind signatures leave nothing that ties one to the other.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE backup.ticket_key (
    key_id         bytea       PRIMARY KEY CHECK (octet_length(key_id) = 8),
    public_der     bytea       NOT NULL CHECK (octet_length(public_der) BETWEEN 1 AND 1024),
    sealed_private bytea       NOT NULL,
    data_key_blob  bytea       NOT NULL,
    start_time     timestamptz NOT NULL,
    retire_time    timestamptz NOT NULL CHECK (retire_time > start_time),
    end_time       timestamptz NOT NULL CHECK (end_time > retire_time)
);
COMMENT ON TABLE backup.ticket_key IS 'The keys that tickets are signed with; one at a time, the same for every Hub.';
COMMENT ON COLUMN backup.ticket_key.key_id IS 'PUBLIC: the first 8 bytes of the SHA-256 of the public key.';
COMMENT ON COLUMN backup.ticket_key.public_der IS 'PUBLIC: the public key.';
COMMENT ON COLUMN backup.ticket_key.sealed_private IS 'SECRET: the private key under its data key; nonce first.';
COMMENT ON COLUMN backup.ticket_key.data_key_blob IS 'SECRET: the data key as the KMS wrapped it.';
COMMENT ON COLUMN backup.ticket_key.start_time IS 'PUBLIC: from when it signs.';
COMMENT ON COLUMN backup.ticket_key.retire_time IS 'PUBLIC: until when it signs.';
COMMENT ON COLUMN backup.ticket_key.end_time IS 'PUBLIC: until when its tickets are taken.';

CREATE TABLE backup.ticket_issue (
    hub_id         uuid  NOT NULL,
    day            date  NOT NULL,
    message_digest bytea NOT NULL CHECK (octet_length(message_digest) = 32),
    PRIMARY KEY (hub_id, day, message_digest)
);
COMMENT ON TABLE backup.ticket_issue IS 'How many tickets each Hub got this day. A digest is of a blinded message, which says nothing of the ticket; rows go with the day.';
COMMENT ON COLUMN backup.ticket_issue.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN backup.ticket_issue.day IS 'PUBLIC: the UTC day.';
COMMENT ON COLUMN backup.ticket_issue.message_digest IS 'PSEUDONYM: SHA-256 of a blinded message, so that a retry is counted once.';

CREATE TABLE backup.spent_ticket (
    ticket_digest bytea PRIMARY KEY CHECK (octet_length(ticket_digest) = 32),
    key_id        bytea NOT NULL REFERENCES backup.ticket_key ON DELETE CASCADE,
    upload_id     uuid  NOT NULL UNIQUE
);
COMMENT ON TABLE backup.spent_ticket IS 'Tickets that were spent, until their key ends.';
COMMENT ON COLUMN backup.spent_ticket.ticket_digest IS 'PSEUDONYM: SHA-256 of the ticket''s input.';
COMMENT ON COLUMN backup.spent_ticket.key_id IS 'PUBLIC: the key that signed it.';
COMMENT ON COLUMN backup.spent_ticket.upload_id IS 'PSEUDONYM: the upload that it opened, so that a retry finds it.';

GRANT SELECT, INSERT, DELETE ON backup.ticket_key, backup.ticket_issue, backup.spent_ticket TO backup_service;
