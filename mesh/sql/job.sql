-- One row for each recurring job: the lock of the node that runs it, and when it last succeeded.
CREATE TABLE {{schema}}.job (
    name            text PRIMARY KEY,
    every           interval NOT NULL CHECK (every > interval '0'),
    last_success_at timestamptz
);
GRANT SELECT, INSERT, UPDATE ON {{schema}}.job TO {{service_role}};
COMMENT ON TABLE {{schema}}.job IS 'Recurring jobs. Belongs to no tenant.';
COMMENT ON COLUMN {{schema}}.job.name IS 'PUBLIC: the job.';
COMMENT ON COLUMN {{schema}}.job.every IS 'PUBLIC: how often it runs.';
COMMENT ON COLUMN {{schema}}.job.last_success_at IS 'PUBLIC: when it last succeeded.';
