-- Why: how often the filter dropped a payload, by rule and cohort, and the alarm when a cohort begins to send forbidden
-- keys. Neither key nor value of what was dropped has a place here.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE ingest.drop_count (
    day         date     NOT NULL,
    cohort_id   integer  NOT NULL REFERENCES ingest.cohort,
    drop_reason smallint NOT NULL CHECK (drop_reason BETWEEN 1 AND 13),
    count       bigint   NOT NULL CHECK (count > 0),
    PRIMARY KEY (day, cohort_id, drop_reason)
);
COMMENT ON TABLE ingest.drop_count IS 'How many payloads were dropped. Kept 13 months.';
COMMENT ON COLUMN ingest.drop_count.day IS 'PUBLIC: the day, in UTC.';
COMMENT ON COLUMN ingest.drop_count.cohort_id IS 'PUBLIC: the cohort of the senders.';
COMMENT ON COLUMN ingest.drop_count.drop_reason IS 'PUBLIC: the rule, by its number in ora.ingest.v1.DropReason.';
COMMENT ON COLUMN ingest.drop_count.count IS 'PUBLIC: how many payloads.';

CREATE TABLE ingest.alarm (
    cohort_id      integer     PRIMARY KEY REFERENCES ingest.cohort,
    alarm_id       uuid        NOT NULL UNIQUE,
    event_sequence bigint      NOT NULL DEFAULT 0 CHECK (event_sequence >= 0),
    last_drop_time timestamptz NOT NULL
);
COMMENT ON TABLE ingest.alarm IS 'Cohorts that sent forbidden keys. An alarm is raised when one begins, and again after a day without.';
COMMENT ON COLUMN ingest.alarm.cohort_id IS 'PUBLIC: the cohort.';
COMMENT ON COLUMN ingest.alarm.alarm_id IS 'PUBLIC: what its events are about; random.';
COMMENT ON COLUMN ingest.alarm.event_sequence IS 'PUBLIC: how many alarms were raised.';
COMMENT ON COLUMN ingest.alarm.last_drop_time IS 'PUBLIC: when a payload with a forbidden key was last dropped.';

GRANT SELECT, INSERT, DELETE ON ingest.drop_count TO ingest_service;
GRANT UPDATE (count) ON ingest.drop_count TO ingest_service;
GRANT SELECT, INSERT ON ingest.alarm TO ingest_service;
GRANT UPDATE (event_sequence, last_drop_time) ON ingest.alarm TO ingest_service;

-- mesh: outbox
-- mesh: inbox
-- mesh: job
