-- Why: what happens to Hubs is told to other services as events (ora.events.v1), written in the transaction of the
-- change. Jobs sweep what was told long ago. The events of one Hub are counted without gaps, so that a consumer sees when one is missing.
-- Locks: fleet.hub ACCESS EXCLUSIVE for an instant; a constant default rewrites nothing.

ALTER TABLE fleet.hub ADD COLUMN event_sequence bigint NOT NULL DEFAULT 0 CHECK (event_sequence >= 0);
COMMENT ON COLUMN fleet.hub.event_sequence IS 'PUBLIC: how many events were told of the Hub.';
GRANT UPDATE (event_sequence) ON fleet.hub TO fleet_service;

-- mesh: outbox
-- mesh: job
