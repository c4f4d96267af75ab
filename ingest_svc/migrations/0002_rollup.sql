-- Why: what is left of readings after 30 days: for each hour and cohort how often each value was reported, and only
-- where at least 20 Hubs reported. A histogram answers any percentile, and steps of any number of hours can be added.
-- Locks: nothing that exists; the table is new.

CREATE TABLE ingest.rollup (
    hour      timestamptz NOT NULL,
    cohort_id integer     NOT NULL REFERENCES ingest.cohort,
    metric    text        NOT NULL CHECK (metric IN ('cpu_pct', 'ram_pct', 'signal_dbm')),
    hub_count integer     NOT NULL CHECK (hub_count >= 20),
    steps     smallint[]  NOT NULL,
    counts    integer[]   NOT NULL CHECK (cardinality(counts) = cardinality(steps)),
    PRIMARY KEY (cohort_id, metric, hour)
);
COMMENT ON TABLE ingest.rollup IS 'How often each value was reported, by hour and cohort, where at least 20 Hubs reported. Kept 13 months.';
COMMENT ON COLUMN ingest.rollup.hour IS 'PUBLIC: the start of the hour.';
COMMENT ON COLUMN ingest.rollup.cohort_id IS 'PUBLIC: the cohort.';
COMMENT ON COLUMN ingest.rollup.metric IS 'PUBLIC: which number.';
COMMENT ON COLUMN ingest.rollup.hub_count IS 'PUBLIC: how many Hubs reported in the hour.';
COMMENT ON COLUMN ingest.rollup.steps IS 'PUBLIC: the values that were reported, rising.';
COMMENT ON COLUMN ingest.rollup.counts IS 'PUBLIC: how many buckets had each of them.';
CREATE INDEX rollup_by_hour ON ingest.rollup (hour);

GRANT SELECT, INSERT, DELETE ON ingest.rollup TO ingest_service;
