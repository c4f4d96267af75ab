-- Why: the numbers that are kept, under a pseudonym that changes each month, and the keys that join it to a Hub.
-- A reading belongs to no tenant: there is no column that could tell whose it is, so there is no row security to have
-- (ADR 0062). Both tables are partitioned so that forgetting is a DROP, which leaves nothing behind: readings by day,
-- keys by month. The service may not change the schema; the functions below make and drop partitions for it.
-- Locks: nothing that exists; the tables are new.

CREATE TABLE ingest.cohort (
    cohort_id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hardware_model   text NOT NULL CHECK (char_length(hardware_model) <= 32),
    firmware_version text NOT NULL CHECK (char_length(firmware_version) <= 32),
    UNIQUE (hardware_model, firmware_version)
);
COMMENT ON TABLE ingest.cohort IS 'Sets of Hubs that are alike.';
COMMENT ON COLUMN ingest.cohort.cohort_id IS 'PUBLIC: the cohort, by a short number.';
COMMENT ON COLUMN ingest.cohort.hardware_model IS 'PUBLIC: the hardware; empty if it is not known.';
COMMENT ON COLUMN ingest.cohort.firmware_version IS 'PUBLIC: the firmware; empty if it is not known.';

CREATE TABLE ingest.pseudonym_key (
    month  date  NOT NULL CHECK (extract(day FROM month) = 1),
    hub_id uuid  NOT NULL,
    key    bytea NOT NULL CHECK (octet_length(key) = 32),
    PRIMARY KEY (month, hub_id)
) PARTITION BY RANGE (month);
COMMENT ON TABLE ingest.pseudonym_key IS 'The only thing that joins readings to a Hub; dropped when its month is over.';
COMMENT ON COLUMN ingest.pseudonym_key.month IS 'PUBLIC: the first day of the month in which readings under it arrived.';
COMMENT ON COLUMN ingest.pseudonym_key.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN ingest.pseudonym_key.key IS 'SECRET: the pseudonym is a keyed hash of the Hub under this key.';

CREATE TABLE ingest.reading (
    bucket_time timestamptz NOT NULL CHECK (extract(epoch FROM bucket_time)::bigint % 300 = 0),
    pseudonym   uuid        NOT NULL,
    cohort_id   integer     NOT NULL,
    cpu_pct     smallint    CHECK (cpu_pct BETWEEN 0 AND 100),
    ram_pct     smallint    CHECK (ram_pct BETWEEN 0 AND 100),
    signal_dbm  smallint    CHECK (signal_dbm BETWEEN -120 AND 0 AND signal_dbm % 2 = 0),
    key_month   date        NOT NULL CHECK (extract(day FROM key_month) = 1),
    PRIMARY KEY (pseudonym, bucket_time),
    CHECK (num_nonnulls(cpu_pct, ram_pct, signal_dbm) > 0)
) PARTITION BY RANGE (bucket_time);
COMMENT ON TABLE ingest.reading IS 'One 5-minute bucket of one Hub: the worst that was reported in it. Kept 30 days.';
COMMENT ON COLUMN ingest.reading.bucket_time IS 'PUBLIC: the start of the bucket.';
COMMENT ON COLUMN ingest.reading.pseudonym IS 'PSEUDONYM: the Hub under the key of the month in which the reading arrived.';
COMMENT ON COLUMN ingest.reading.cohort_id IS 'PUBLIC: the cohort of the Hub when the reading arrived.';
COMMENT ON COLUMN ingest.reading.cpu_pct IS 'PSEUDONYM: processor load in steps of 1 %, the highest in the bucket.';
COMMENT ON COLUMN ingest.reading.ram_pct IS 'PSEUDONYM: memory in use in steps of 1 %, the highest in the bucket.';
COMMENT ON COLUMN ingest.reading.signal_dbm IS 'PSEUDONYM: uplink radio in steps of 2 dB, the weakest in the bucket.';
COMMENT ON COLUMN ingest.reading.key_month IS 'PUBLIC: the month in which it arrived. A Hub has one pseudonym in it, so Hubs are counted within it.';

-- Makes what is missing of the partitions of these days and their months. Returns how many it made.
CREATE FUNCTION ingest.make_partitions(first_day date, last_day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    day   date;
    month date;
    made  integer := 0;
BEGIN
    IF last_day - first_day > 100 THEN
        RAISE EXCEPTION 'too many days at once' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ingest partitions', 0));
    FOR day IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
        IF to_regclass(format('ingest.reading_%s', to_char(day, 'YYYYMMDD'))) IS NULL THEN
            EXECUTE format('CREATE TABLE ingest.reading_%s PARTITION OF ingest.reading FOR VALUES FROM (%L) TO (%L)',
                           to_char(day, 'YYYYMMDD'), day::timestamptz, (day + 1)::timestamptz);
            made := made + 1;
        END IF;
        month := date_trunc('month', day)::date;
        IF to_regclass(format('ingest.pseudonym_key_%s', to_char(month, 'YYYYMM'))) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE ingest.pseudonym_key_%s PARTITION OF ingest.pseudonym_key FOR VALUES FROM (%L) TO (%L)',
                to_char(month, 'YYYYMM'), month, (month + interval '1 month')::date);
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END $$;

-- Drops the keys of the months before this one: from then on nobody can say whose their readings are.
CREATE FUNCTION ingest.destroy_keys_before(this_month date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    gone integer := 0;
BEGIN
    FOR name IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'ingest.pseudonym_key'::regclass AND right(c.relname, 6) < to_char(this_month, 'YYYYMM')
    LOOP
        EXECUTE format('DROP TABLE ingest.%I', name);
        gone := gone + 1;
    END LOOP;
    RETURN gone;
END $$;

-- Which days are in the roll-ups; a day that is not yet is not dropped.
CREATE TABLE ingest.rolled_day (
    day date PRIMARY KEY
);
COMMENT ON TABLE ingest.rolled_day IS 'Days whose readings are in the roll-ups.';
COMMENT ON COLUMN ingest.rolled_day.day IS 'PUBLIC: the day, in UTC.';

-- Drops the readings of the days before this one that are in the roll-ups. Returns how many days went.
CREATE FUNCTION ingest.drop_readings_before(first_kept date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    gone integer := 0;
BEGIN
    FOR name IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'ingest.reading'::regclass AND right(c.relname, 8) < to_char(first_kept, 'YYYYMMDD')
                   AND EXISTS (SELECT FROM ingest.rolled_day r WHERE to_char(r.day, 'YYYYMMDD') = right(c.relname, 8))
    LOOP
        EXECUTE format('DROP TABLE ingest.%I', name);
        gone := gone + 1;
    END LOOP;
    RETURN gone;
END $$;

REVOKE EXECUTE ON FUNCTION ingest.make_partitions, ingest.destroy_keys_before, ingest.drop_readings_before FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.make_partitions, ingest.destroy_keys_before, ingest.drop_readings_before
    TO ingest_service;
GRANT SELECT, INSERT ON ingest.cohort, ingest.rolled_day TO ingest_service;
GRANT SELECT, INSERT, DELETE ON ingest.pseudonym_key TO ingest_service;
GRANT SELECT, INSERT, DELETE ON ingest.reading TO ingest_service;
GRANT UPDATE (cpu_pct, ram_pct, signal_dbm) ON ingest.reading TO ingest_service;
GRANT DELETE ON ingest.rolled_day TO ingest_service;
