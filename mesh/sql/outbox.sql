-- Events that are told to others, written in the transaction of the change that they tell of.
-- Rows stay for 7 days after they were published: if Redis forgets its streams, they are published again.
CREATE TABLE {{schema}}.outbox (
    position     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id     uuid NOT NULL UNIQUE,
    event_type   text NOT NULL,
    aggregate    text NOT NULL,
    occurred_at  timestamptz NOT NULL,
    payload      bytea NOT NULL CHECK (octet_length(payload) <= 65536),
    traceparent  text,
    published_at timestamptz
);
CREATE INDEX outbox_waiting ON {{schema}}.outbox (position) WHERE published_at IS NULL;
CREATE INDEX outbox_published_at ON {{schema}}.outbox (published_at) WHERE published_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON {{schema}}.outbox TO {{service_role}};
COMMENT ON TABLE {{schema}}.outbox IS 'Events on their way out. A transport of all tenants: no row security, no PII.';
COMMENT ON COLUMN {{schema}}.outbox.position IS 'PUBLIC: the order of publishing.';
COMMENT ON COLUMN {{schema}}.outbox.event_id IS 'PSEUDONYM: what consumers know a repetition by.';
COMMENT ON COLUMN {{schema}}.outbox.event_type IS 'PUBLIC: the message type within ora.events.v1.';
COMMENT ON COLUMN {{schema}}.outbox.aggregate IS 'PSEUDONYM: the resource name whose events keep their order.';
COMMENT ON COLUMN {{schema}}.outbox.occurred_at IS 'PUBLIC: when it happened.';
COMMENT ON COLUMN {{schema}}.outbox.payload IS 'PSEUDONYM: the encoded event.';
COMMENT ON COLUMN {{schema}}.outbox.traceparent IS 'PUBLIC: the trace that it belongs to.';
COMMENT ON COLUMN {{schema}}.outbox.published_at IS 'PUBLIC: when Redis took it. Null: not yet.';
