-- Why: support pages through the organisations, newest first; row security shows nobody all of them.
-- Locks: portal.organization ACCESS EXCLUSIVE while it is read once.

-- A directory of all tenants; its rows come with those of portal.organization by themselves.
CREATE TABLE portal.organization_directory (
    tenant_id   uuid        PRIMARY KEY,
    create_time timestamptz NOT NULL
);
CREATE INDEX organization_directory_by_age ON portal.organization_directory (create_time DESC, tenant_id DESC);
COMMENT ON TABLE portal.organization_directory IS 'The organisations there are. A directory of all tenants: no row security, nothing personal.';
COMMENT ON COLUMN portal.organization_directory.tenant_id IS 'PSEUDONYM: the organisation.';
COMMENT ON COLUMN portal.organization_directory.create_time IS 'PUBLIC: when it was registered.';
GRANT SELECT, INSERT ON portal.organization_directory TO portal_service;

CREATE FUNCTION portal.organization_after_insert() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO portal.organization_directory (tenant_id, create_time) VALUES (NEW.tenant_id, NEW.create_time);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION portal.organization_after_insert() FROM PUBLIC;
CREATE TRIGGER organization_after_insert AFTER INSERT ON portal.organization
    FOR EACH ROW EXECUTE FUNCTION portal.organization_after_insert();

ALTER TABLE portal.organization NO FORCE ROW LEVEL SECURITY;
INSERT INTO portal.organization_directory (tenant_id, create_time) SELECT tenant_id, create_time FROM portal.organization;
ALTER TABLE portal.organization FORCE ROW LEVEL SECURITY;
