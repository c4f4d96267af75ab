-- Events that were handled, written in the transaction of their effect: the second delivery has none.
CREATE TABLE {{schema}}.inbox (
    consumer   text NOT NULL,
    event_id   uuid NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_handled_at ON {{schema}}.inbox (handled_at);
GRANT SELECT, INSERT, DELETE ON {{schema}}.inbox TO {{service_role}};
COMMENT ON TABLE {{schema}}.inbox IS 'Events that were handled, kept 14 days. Belongs to no tenant.';
COMMENT ON COLUMN {{schema}}.inbox.consumer IS 'PUBLIC: the consumer group.';
COMMENT ON COLUMN {{schema}}.inbox.event_id IS 'PSEUDONYM: the event.';
COMMENT ON COLUMN {{schema}}.inbox.handled_at IS 'PUBLIC: when its effect was committed.';
