-- What ingest_svc/migrations end in, written by tests/integration/ingest_svc/test_schema.py.
-- PostgreSQL database dump
-- Name: ingest; Type: SCHEMA; Schema: -; Owner: -
CREATE SCHEMA ingest;
-- Name: destroy_keys_before(date); Type: FUNCTION; Schema: ingest; Owner: -
CREATE FUNCTION ingest.destroy_keys_before(this_month date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
-- Name: drop_readings_before(date); Type: FUNCTION; Schema: ingest; Owner: -
CREATE FUNCTION ingest.drop_readings_before(first_kept date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
-- Name: make_partitions(date, date); Type: FUNCTION; Schema: ingest; Owner: -
CREATE FUNCTION ingest.make_partitions(first_day date, last_day date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    AS $$
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
-- Name: alarm; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.alarm (
    cohort_id integer NOT NULL,
    alarm_id uuid NOT NULL,
    event_sequence bigint DEFAULT 0 NOT NULL,
    last_drop_time timestamp with time zone NOT NULL,
    CONSTRAINT alarm_event_sequence_check CHECK ((event_sequence >= 0))
);
-- Name: TABLE alarm; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.alarm IS 'Cohorts that sent forbidden keys. An alarm is raised when one begins, and again after a day without.';
-- Name: COLUMN alarm.cohort_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.alarm.cohort_id IS 'PUBLIC: the cohort.';
-- Name: COLUMN alarm.alarm_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.alarm.alarm_id IS 'PUBLIC: what its events are about; random.';
-- Name: COLUMN alarm.event_sequence; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.alarm.event_sequence IS 'PUBLIC: how many alarms were raised.';
-- Name: COLUMN alarm.last_drop_time; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.alarm.last_drop_time IS 'PUBLIC: when a payload with a forbidden key was last dropped.';
-- Name: cohort; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.cohort (
    cohort_id integer NOT NULL,
    hardware_model text NOT NULL,
    firmware_version text NOT NULL,
    CONSTRAINT cohort_firmware_version_check CHECK ((char_length(firmware_version) <= 32)),
    CONSTRAINT cohort_hardware_model_check CHECK ((char_length(hardware_model) <= 32))
);
-- Name: TABLE cohort; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.cohort IS 'Sets of Hubs that are alike.';
-- Name: COLUMN cohort.cohort_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.cohort.cohort_id IS 'PUBLIC: the cohort, by a short number.';
-- Name: COLUMN cohort.hardware_model; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.cohort.hardware_model IS 'PUBLIC: the hardware; empty if it is not known.';
-- Name: COLUMN cohort.firmware_version; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.cohort.firmware_version IS 'PUBLIC: the firmware; empty if it is not known.';
-- Name: cohort_cohort_id_seq; Type: SEQUENCE; Schema: ingest; Owner: -
ALTER TABLE ingest.cohort ALTER COLUMN cohort_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ingest.cohort_cohort_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
-- Name: drop_count; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.drop_count (
    day date NOT NULL,
    cohort_id integer NOT NULL,
    drop_reason smallint NOT NULL,
    count bigint NOT NULL,
    CONSTRAINT drop_count_count_check CHECK ((count > 0)),
    CONSTRAINT drop_count_drop_reason_check CHECK (((drop_reason >= 1) AND (drop_reason <= 13)))
);
-- Name: TABLE drop_count; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.drop_count IS 'How many payloads were dropped. Kept 13 months.';
-- Name: COLUMN drop_count.day; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.drop_count.day IS 'PUBLIC: the day, in UTC.';
-- Name: COLUMN drop_count.cohort_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.drop_count.cohort_id IS 'PUBLIC: the cohort of the senders.';
-- Name: COLUMN drop_count.drop_reason; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.drop_count.drop_reason IS 'PUBLIC: the rule, by its number in ora.ingest.v1.DropReason.';
-- Name: COLUMN drop_count.count; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.drop_count.count IS 'PUBLIC: how many payloads.';
-- Name: inbox; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);
-- Name: TABLE inbox; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.inbox IS 'Events that were handled, kept 14 days. Belongs to no tenant.';
-- Name: COLUMN inbox.consumer; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.inbox.consumer IS 'PUBLIC: the consumer group.';
-- Name: COLUMN inbox.event_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.inbox.event_id IS 'PSEUDONYM: the event.';
-- Name: COLUMN inbox.handled_at; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.inbox.handled_at IS 'PUBLIC: when its effect was committed.';
-- Name: job; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.job (
    name text NOT NULL,
    every interval NOT NULL,
    last_success_at timestamp with time zone,
    CONSTRAINT job_every_check CHECK ((every > '00:00:00'::interval))
);
-- Name: TABLE job; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.job IS 'Recurring jobs. Belongs to no tenant.';
-- Name: COLUMN job.name; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.job.name IS 'PUBLIC: the job.';
-- Name: COLUMN job.every; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.job.every IS 'PUBLIC: how often it runs.';
-- Name: COLUMN job.last_success_at; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.job.last_success_at IS 'PUBLIC: when it last succeeded.';
-- Name: outbox; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.outbox (
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
-- Name: TABLE outbox; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.outbox IS 'Events on their way out. A transport of all tenants: no row security, no PII.';
-- Name: COLUMN outbox."position"; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox."position" IS 'PUBLIC: the order of publishing.';
-- Name: COLUMN outbox.event_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.event_id IS 'PSEUDONYM: what consumers know a repetition by.';
-- Name: COLUMN outbox.event_type; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.event_type IS 'PUBLIC: the message type within ora.events.v1.';
-- Name: COLUMN outbox.aggregate; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.aggregate IS 'PSEUDONYM: the resource name whose events keep their order.';
-- Name: COLUMN outbox.occurred_at; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.occurred_at IS 'PUBLIC: when it happened.';
-- Name: COLUMN outbox.payload; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.payload IS 'PSEUDONYM: the encoded event.';
-- Name: COLUMN outbox.traceparent; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.traceparent IS 'PUBLIC: the trace that it belongs to.';
-- Name: COLUMN outbox.published_at; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.outbox.published_at IS 'PUBLIC: when Redis took it. Null: not yet.';
-- Name: outbox_position_seq; Type: SEQUENCE; Schema: ingest; Owner: -
ALTER TABLE ingest.outbox ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ingest.outbox_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
-- Name: pseudonym_key; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.pseudonym_key (
    month date NOT NULL,
    hub_id uuid NOT NULL,
    key bytea NOT NULL,
    CONSTRAINT pseudonym_key_key_check CHECK ((octet_length(key) = 32)),
    CONSTRAINT pseudonym_key_month_check CHECK ((EXTRACT(day FROM month) = (1)::numeric))
)
PARTITION BY RANGE (month);
-- Name: TABLE pseudonym_key; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.pseudonym_key IS 'The only thing that joins readings to a Hub; dropped when its month is over.';
-- Name: COLUMN pseudonym_key.month; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.pseudonym_key.month IS 'PUBLIC: the first day of the month in which readings under it arrived.';
-- Name: COLUMN pseudonym_key.hub_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.pseudonym_key.hub_id IS 'PSEUDONYM: the Hub.';
-- Name: COLUMN pseudonym_key.key; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.pseudonym_key.key IS 'SECRET: the pseudonym is a keyed hash of the Hub under this key.';
-- Name: reading; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.reading (
    bucket_time timestamp with time zone NOT NULL,
    pseudonym uuid NOT NULL,
    cohort_id integer NOT NULL,
    cpu_pct smallint,
    ram_pct smallint,
    signal_dbm smallint,
    key_month date NOT NULL,
    CONSTRAINT reading_bucket_time_check CHECK ((((EXTRACT(epoch FROM bucket_time))::bigint % (300)::bigint) = 0)),
    CONSTRAINT reading_check CHECK ((num_nonnulls(cpu_pct, ram_pct, signal_dbm) > 0)),
    CONSTRAINT reading_cpu_pct_check CHECK (((cpu_pct >= 0) AND (cpu_pct <= 100))),
    CONSTRAINT reading_key_month_check CHECK ((EXTRACT(day FROM key_month) = (1)::numeric)),
    CONSTRAINT reading_ram_pct_check CHECK (((ram_pct >= 0) AND (ram_pct <= 100))),
    CONSTRAINT reading_signal_dbm_check CHECK ((((signal_dbm >= '-120'::integer) AND (signal_dbm <= 0)) AND (((signal_dbm)::integer % 2) = 0)))
)
PARTITION BY RANGE (bucket_time);
-- Name: TABLE reading; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.reading IS 'One 5-minute bucket of one Hub: the worst that was reported in it. Kept 30 days.';
-- Name: COLUMN reading.bucket_time; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.bucket_time IS 'PUBLIC: the start of the bucket.';
-- Name: COLUMN reading.pseudonym; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.pseudonym IS 'PSEUDONYM: the Hub under the key of the month in which the reading arrived.';
-- Name: COLUMN reading.cohort_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.cohort_id IS 'PUBLIC: the cohort of the Hub when the reading arrived.';
-- Name: COLUMN reading.cpu_pct; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.cpu_pct IS 'PSEUDONYM: processor load in steps of 1 %, the highest in the bucket.';
-- Name: COLUMN reading.ram_pct; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.ram_pct IS 'PSEUDONYM: memory in use in steps of 1 %, the highest in the bucket.';
-- Name: COLUMN reading.signal_dbm; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.signal_dbm IS 'PSEUDONYM: uplink radio in steps of 2 dB, the weakest in the bucket.';
-- Name: COLUMN reading.key_month; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.reading.key_month IS 'PUBLIC: the month in which it arrived. A Hub has one pseudonym in it, so Hubs are counted within it.';
-- Name: rolled_day; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.rolled_day (
    day date NOT NULL
);
-- Name: TABLE rolled_day; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.rolled_day IS 'Days whose readings are in the roll-ups.';
-- Name: COLUMN rolled_day.day; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rolled_day.day IS 'PUBLIC: the day, in UTC.';
-- Name: rollup; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.rollup (
    hour timestamp with time zone NOT NULL,
    cohort_id integer NOT NULL,
    metric text NOT NULL,
    hub_count integer NOT NULL,
    steps smallint[] NOT NULL,
    counts integer[] NOT NULL,
    CONSTRAINT rollup_check CHECK ((cardinality(counts) = cardinality(steps))),
    CONSTRAINT rollup_hub_count_check CHECK ((hub_count >= 20)),
    CONSTRAINT rollup_metric_check CHECK ((metric = ANY (ARRAY['cpu_pct'::text, 'ram_pct'::text, 'signal_dbm'::text])))
);
-- Name: TABLE rollup; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.rollup IS 'How often each value was reported, by hour and cohort, where at least 20 Hubs reported. Kept 13 months.';
-- Name: COLUMN rollup.hour; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rollup.hour IS 'PUBLIC: the start of the hour.';
-- Name: COLUMN rollup.cohort_id; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rollup.cohort_id IS 'PUBLIC: the cohort.';
-- Name: COLUMN rollup.metric; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rollup.metric IS 'PUBLIC: which number.';
-- Name: COLUMN rollup.hub_count; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rollup.hub_count IS 'PUBLIC: how many Hubs reported in the hour.';
-- Name: COLUMN rollup.steps; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rollup.steps IS 'PUBLIC: the values that were reported, rising.';
-- Name: COLUMN rollup.counts; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.rollup.counts IS 'PUBLIC: how many buckets had each of them.';
-- Name: schema_migration; Type: TABLE; Schema: ingest; Owner: -
CREATE TABLE ingest.schema_migration (
    number integer NOT NULL,
    name text NOT NULL,
    checksum bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
-- Name: TABLE schema_migration; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON TABLE ingest.schema_migration IS 'The migrations that were applied. Belongs to no tenant.';
-- Name: COLUMN schema_migration.number; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.schema_migration.number IS 'PUBLIC: the number of the file.';
-- Name: COLUMN schema_migration.name; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.schema_migration.name IS 'PUBLIC: the name of the file.';
-- Name: COLUMN schema_migration.checksum; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.schema_migration.checksum IS 'PUBLIC: SHA-256 of what was run.';
-- Name: COLUMN schema_migration.applied_at; Type: COMMENT; Schema: ingest; Owner: -
COMMENT ON COLUMN ingest.schema_migration.applied_at IS 'PUBLIC: when it was run.';
-- Name: alarm alarm_alarm_id_key; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.alarm
    ADD CONSTRAINT alarm_alarm_id_key UNIQUE (alarm_id);
-- Name: alarm alarm_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.alarm
    ADD CONSTRAINT alarm_pkey PRIMARY KEY (cohort_id);
-- Name: cohort cohort_hardware_model_firmware_version_key; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.cohort
    ADD CONSTRAINT cohort_hardware_model_firmware_version_key UNIQUE (hardware_model, firmware_version);
-- Name: cohort cohort_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.cohort
    ADD CONSTRAINT cohort_pkey PRIMARY KEY (cohort_id);
-- Name: drop_count drop_count_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.drop_count
    ADD CONSTRAINT drop_count_pkey PRIMARY KEY (day, cohort_id, drop_reason);
-- Name: inbox inbox_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);
-- Name: job job_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (name);
-- Name: outbox outbox_event_id_key; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY ("position");
-- Name: pseudonym_key pseudonym_key_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.pseudonym_key
    ADD CONSTRAINT pseudonym_key_pkey PRIMARY KEY (month, hub_id);
-- Name: reading reading_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.reading
    ADD CONSTRAINT reading_pkey PRIMARY KEY (pseudonym, bucket_time);
-- Name: rolled_day rolled_day_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.rolled_day
    ADD CONSTRAINT rolled_day_pkey PRIMARY KEY (day);
-- Name: rollup rollup_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.rollup
    ADD CONSTRAINT rollup_pkey PRIMARY KEY (cohort_id, metric, hour);
-- Name: schema_migration schema_migration_pkey; Type: CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (number);
-- Name: inbox_handled_at; Type: INDEX; Schema: ingest; Owner: -
CREATE INDEX inbox_handled_at ON ingest.inbox USING btree (handled_at);
-- Name: outbox_published_at; Type: INDEX; Schema: ingest; Owner: -
CREATE INDEX outbox_published_at ON ingest.outbox USING btree (published_at) WHERE (published_at IS NOT NULL);
-- Name: outbox_waiting; Type: INDEX; Schema: ingest; Owner: -
CREATE INDEX outbox_waiting ON ingest.outbox USING btree ("position") WHERE (published_at IS NULL);
-- Name: rollup_by_hour; Type: INDEX; Schema: ingest; Owner: -
CREATE INDEX rollup_by_hour ON ingest.rollup USING btree (hour);
-- Name: alarm alarm_cohort_id_fkey; Type: FK CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.alarm
    ADD CONSTRAINT alarm_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES ingest.cohort(cohort_id);
-- Name: drop_count drop_count_cohort_id_fkey; Type: FK CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.drop_count
    ADD CONSTRAINT drop_count_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES ingest.cohort(cohort_id);
-- Name: rollup rollup_cohort_id_fkey; Type: FK CONSTRAINT; Schema: ingest; Owner: -
ALTER TABLE ONLY ingest.rollup
    ADD CONSTRAINT rollup_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES ingest.cohort(cohort_id);
-- Name: SCHEMA ingest; Type: ACL; Schema: -; Owner: -
GRANT USAGE ON SCHEMA ingest TO ingest_service;
-- Name: FUNCTION destroy_keys_before(this_month date); Type: ACL; Schema: ingest; Owner: -
REVOKE ALL ON FUNCTION ingest.destroy_keys_before(this_month date) FROM PUBLIC;
GRANT ALL ON FUNCTION ingest.destroy_keys_before(this_month date) TO ingest_service;
-- Name: FUNCTION drop_readings_before(first_kept date); Type: ACL; Schema: ingest; Owner: -
REVOKE ALL ON FUNCTION ingest.drop_readings_before(first_kept date) FROM PUBLIC;
GRANT ALL ON FUNCTION ingest.drop_readings_before(first_kept date) TO ingest_service;
-- Name: FUNCTION make_partitions(first_day date, last_day date); Type: ACL; Schema: ingest; Owner: -
REVOKE ALL ON FUNCTION ingest.make_partitions(first_day date, last_day date) FROM PUBLIC;
GRANT ALL ON FUNCTION ingest.make_partitions(first_day date, last_day date) TO ingest_service;
-- Name: TABLE alarm; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT ON TABLE ingest.alarm TO ingest_service;
-- Name: COLUMN alarm.event_sequence; Type: ACL; Schema: ingest; Owner: -
GRANT UPDATE(event_sequence) ON TABLE ingest.alarm TO ingest_service;
-- Name: COLUMN alarm.last_drop_time; Type: ACL; Schema: ingest; Owner: -
GRANT UPDATE(last_drop_time) ON TABLE ingest.alarm TO ingest_service;
-- Name: TABLE cohort; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT ON TABLE ingest.cohort TO ingest_service;
-- Name: TABLE drop_count; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE ingest.drop_count TO ingest_service;
-- Name: COLUMN drop_count.count; Type: ACL; Schema: ingest; Owner: -
GRANT UPDATE(count) ON TABLE ingest.drop_count TO ingest_service;
-- Name: TABLE inbox; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE ingest.inbox TO ingest_service;
-- Name: TABLE job; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,UPDATE ON TABLE ingest.job TO ingest_service;
-- Name: TABLE outbox; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE ingest.outbox TO ingest_service;
-- Name: TABLE pseudonym_key; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE ingest.pseudonym_key TO ingest_service;
-- Name: TABLE reading; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE ingest.reading TO ingest_service;
-- Name: COLUMN reading.cpu_pct; Type: ACL; Schema: ingest; Owner: -
GRANT UPDATE(cpu_pct) ON TABLE ingest.reading TO ingest_service;
-- Name: COLUMN reading.ram_pct; Type: ACL; Schema: ingest; Owner: -
GRANT UPDATE(ram_pct) ON TABLE ingest.reading TO ingest_service;
-- Name: COLUMN reading.signal_dbm; Type: ACL; Schema: ingest; Owner: -
GRANT UPDATE(signal_dbm) ON TABLE ingest.reading TO ingest_service;
-- Name: TABLE rolled_day; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE ingest.rolled_day TO ingest_service;
-- Name: TABLE rollup; Type: ACL; Schema: ingest; Owner: -
GRANT SELECT,INSERT,DELETE ON TABLE ingest.rollup TO ingest_service;
-- PostgreSQL database dump complete
