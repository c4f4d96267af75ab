-- One row for each request with a request_id: its result, written in the transaction of its effect.
-- The tenant is the transaction's; without one the insert fails.
CREATE TABLE {{schema}}.request_record (
    tenant_id  uuid NOT NULL DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid,
    scope      bytea NOT NULL CHECK (octet_length(scope) = 32),
    method     text NOT NULL,
    request_id text NOT NULL CHECK (length(request_id) BETWEEN 8 AND 128),
    digest     bytea NOT NULL CHECK (octet_length(digest) = 32),
    response   bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, scope, method, request_id)
);
CREATE INDEX request_record_created_at ON {{schema}}.request_record (created_at);
ALTER TABLE {{schema}}.request_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{schema}}.request_record FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {{schema}}.request_record
    USING (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid)
    WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid);
-- What has expired may be swept by a transaction of no tenant, and by nothing else.
CREATE POLICY sweep_seen ON {{schema}}.request_record FOR SELECT
    USING (coalesce(current_setting('app.tenant_id', true), '') = '' AND created_at < now() - interval '24 hours');
CREATE POLICY sweep ON {{schema}}.request_record FOR DELETE
    USING (coalesce(current_setting('app.tenant_id', true), '') = '' AND created_at < now() - interval '24 hours');
GRANT SELECT, INSERT, UPDATE, DELETE ON {{schema}}.request_record TO {{service_role}};
COMMENT ON TABLE {{schema}}.request_record IS 'Results of requests with a request_id, kept 24 hours.';
COMMENT ON COLUMN {{schema}}.request_record.tenant_id IS 'PSEUDONYM: the tenant of the transaction.';
COMMENT ON COLUMN {{schema}}.request_record.scope IS 'PSEUDONYM: SHA-256 of tenant and subject.';
COMMENT ON COLUMN {{schema}}.request_record.method IS 'PUBLIC: the method path.';
COMMENT ON COLUMN {{schema}}.request_record.request_id IS 'PSEUDONYM: chosen by the caller.';
COMMENT ON COLUMN {{schema}}.request_record.digest IS 'PSEUDONYM: SHA-256 of the request.';
COMMENT ON COLUMN {{schema}}.request_record.response IS 'PII: the answer without its SECRET fields.';
COMMENT ON COLUMN {{schema}}.request_record.created_at IS 'PUBLIC: when it was first asked.';
