-- Why: the sequence of a Hub's director statements has to rise over both ways that an update comes, over the air and by an
-- app's hand, and the second is open to a Hub whose cloud is off, of which nothing else may be kept (ADR 0110).
-- Locks: fleet.hub_boot ACCESS EXCLUSIVE for an instant; fleet.hub SHARE ROW EXCLUSIVE for the foreign key.

CREATE TABLE fleet.hub_director (
    hub_id   uuid   PRIMARY KEY REFERENCES fleet.hub,
    sequence bigint NOT NULL CHECK (sequence > 0)
);
COMMENT ON TABLE fleet.hub_director IS 'The newest director statement for each Hub: a number, and nothing of what it offered.';
COMMENT ON COLUMN fleet.hub_director.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.hub_director.sequence IS 'PSEUDONYM: the sequence of that statement; never falls.';

INSERT INTO fleet.hub_director (hub_id, sequence)
SELECT hub_id, director_sequence FROM fleet.hub_boot WHERE director_sequence > 0;
ALTER TABLE fleet.hub_boot DROP COLUMN director_sequence;

CREATE FUNCTION fleet.hub_director_before_update() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.sequence <= OLD.sequence THEN
        RAISE EXCEPTION 'the sequence of director statements only rises'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hub_director_rises';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.hub_director_before_update() FROM PUBLIC;
CREATE TRIGGER hub_director_before_update BEFORE UPDATE ON fleet.hub_director
    FOR EACH ROW EXECUTE FUNCTION fleet.hub_director_before_update();

CREATE OR REPLACE FUNCTION fleet.hub_erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM fleet.owner_key WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.update_hold WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.firmware_update WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_boot WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_director WHERE hub_id = NEW.hub_id;
    RETURN NULL;
END $$;

GRANT SELECT, INSERT ON fleet.hub_director TO fleet_service;
GRANT UPDATE (sequence) ON fleet.hub_director TO fleet_service;
