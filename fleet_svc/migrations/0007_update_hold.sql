-- Why: updates and handovers exclude each other. A hold keeps updates away from a Hub while its project is handed over;
-- an update that is being installed keeps the hold away. Both rules stand here as well as in the domain, and both take
-- the Hub's row first, so that no schedule of the two lets both happen (ADR 0055). `fleet.inbox` is for the portal's
-- events, which mend what a crash between the two services left.
-- Locks: fleet.hub SHARE ROW EXCLUSIVE for an instant, for the foreign keys.

CREATE TABLE fleet.update_hold (
    hub_id      uuid        PRIMARY KEY REFERENCES fleet.hub,
    reason      text        CHECK (reason IN ('PENDING_HANDOVER', 'RECEIPT_WAIT')),
    lock_epoch  bigint      NOT NULL CHECK (lock_epoch > 0),
    update_time timestamptz NOT NULL
);
COMMENT ON TABLE fleet.update_hold IS 'The hold of a Hub, and the newest lock epoch that it was ever held with.';
COMMENT ON COLUMN fleet.update_hold.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.update_hold.reason IS 'PUBLIC: why updates wait; null: they do not.';
COMMENT ON COLUMN fleet.update_hold.lock_epoch IS 'PSEUDONYM: the lock epoch of the project; never falls.';
COMMENT ON COLUMN fleet.update_hold.update_time IS 'PUBLIC: when it last changed.';

CREATE TABLE fleet.firmware_update (
    update_id          uuid        PRIMARY KEY,
    hub_id             uuid        NOT NULL REFERENCES fleet.hub,
    release_id         uuid        NOT NULL,
    rollout_id         uuid,
    wave               integer     NOT NULL DEFAULT 0 CHECK (wave BETWEEN 0 AND 7),
    state              text        NOT NULL CHECK (state IN
        ('OFFERED', 'DOWNLOADING', 'DOWNLOADED', 'INSTALLING', 'TRIAL_BOOT', 'CONFIRMED', 'ROLLED_BACK', 'FAILED',
         'EXPIRED')),
    hub_reason         text        CHECK (hub_reason IN ('HUB_BUSY', 'USER_DEFERRED', 'QUIET_HOURS')),
    failure            text        CHECK (failure IN
        ('DOWNLOAD', 'VERIFICATION', 'INCOMPATIBLE', 'STORAGE', 'BOOT', 'HEALTH_CHECK', 'ROLLBACK_REFUSED',
         'POWER_LOSS')),
    permit_id          uuid,
    permit_lock_epoch  bigint      CHECK (permit_lock_epoch >= 0),
    permit_expire_time timestamptz,
    begin_time         timestamptz,
    begin_boot_count   bigint      CHECK (begin_boot_count BETWEEN 0 AND 4294967295),
    begin_slot         text        CHECK (begin_slot IN ('A', 'B')),
    create_time        timestamptz NOT NULL,
    report_time        timestamptz,
    CHECK (num_nonnulls(permit_id, permit_lock_epoch, permit_expire_time) IN (0, 3)),
    CHECK (permit_id IS NULL OR state = 'DOWNLOADED'),
    CHECK (num_nonnulls(begin_time, begin_boot_count, begin_slot) IN (0, 3))
);
COMMENT ON TABLE fleet.firmware_update IS 'Releases on their way to Hubs. What is held is told by fleet.update_hold, not by the state.';
COMMENT ON COLUMN fleet.firmware_update.update_id IS 'PSEUDONYM: the update.';
COMMENT ON COLUMN fleet.firmware_update.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.firmware_update.release_id IS 'PUBLIC: what is brought.';
COMMENT ON COLUMN fleet.firmware_update.rollout_id IS 'PUBLIC: the rollout that assigned it; null: an app carries it.';
COMMENT ON COLUMN fleet.firmware_update.wave IS 'PUBLIC: the wave of the rollout that the Hub is in.';
COMMENT ON COLUMN fleet.firmware_update.state IS 'PUBLIC: how far it came.';
COMMENT ON COLUMN fleet.firmware_update.hub_reason IS 'PUBLIC: the reason of the Hub itself to wait; null: none.';
COMMENT ON COLUMN fleet.firmware_update.failure IS 'PUBLIC: why it did not end well; null: it did, or goes on.';
COMMENT ON COLUMN fleet.firmware_update.permit_id IS 'PSEUDONYM: the permit that may still be spent; null: none.';
COMMENT ON COLUMN fleet.firmware_update.permit_lock_epoch IS 'PSEUDONYM: the lock epoch that the permit was given at.';
COMMENT ON COLUMN fleet.firmware_update.permit_expire_time IS 'PUBLIC: until when the permit may be spent.';
COMMENT ON COLUMN fleet.firmware_update.begin_time IS 'PUBLIC: when the permit was spent; null: it was not.';
COMMENT ON COLUMN fleet.firmware_update.begin_boot_count IS 'PSEUDONYM: how often the Hub had booted then.';
COMMENT ON COLUMN fleet.firmware_update.begin_slot IS 'PUBLIC: the slot that ran then.';
COMMENT ON COLUMN fleet.firmware_update.create_time IS 'PUBLIC: when it was offered.';
COMMENT ON COLUMN fleet.firmware_update.report_time IS 'PUBLIC: when the Hub last said something about it.';

-- A Hub is on the way to one release at a time.
CREATE UNIQUE INDEX firmware_update_live ON fleet.firmware_update (hub_id)
    WHERE state IN ('OFFERED', 'DOWNLOADING', 'DOWNLOADED', 'INSTALLING', 'TRIAL_BOOT');
CREATE INDEX firmware_update_by_hub ON fleet.firmware_update (hub_id, create_time DESC, update_id);

-- A hold waits for no installation: it is refused, and the handover cannot begin. When it comes, every permit dies.
CREATE FUNCTION fleet.update_hold_before_write() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM fleet.hub WHERE hub_id = NEW.hub_id FOR NO KEY UPDATE;
    IF TG_OP = 'UPDATE' AND NEW.lock_epoch < OLD.lock_epoch THEN
        RAISE EXCEPTION 'a lock epoch never falls'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'update_hold_epoch_rises';
    END IF;
    IF NEW.reason IS NOT NULL THEN
        IF EXISTS (SELECT FROM fleet.firmware_update
                    WHERE hub_id = NEW.hub_id AND state IN ('INSTALLING', 'TRIAL_BOOT')) THEN
            RAISE EXCEPTION 'an update is in flight'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'update_hold_excludes_install';
        END IF;
        UPDATE fleet.firmware_update SET permit_id = NULL, permit_lock_epoch = NULL, permit_expire_time = NULL
         WHERE hub_id = NEW.hub_id AND permit_id IS NOT NULL;
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.update_hold_before_write() FROM PUBLIC;
CREATE TRIGGER update_hold_before_write BEFORE INSERT OR UPDATE ON fleet.update_hold
    FOR EACH ROW EXECUTE FUNCTION fleet.update_hold_before_write();

-- Whether the project is locked is part of a Hub's admission.
CREATE TRIGGER update_hold_admission AFTER INSERT OR UPDATE OR DELETE ON fleet.update_hold
    FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();

-- The other half: no installation begins, and no permit is given, while a hold is there.
CREATE FUNCTION fleet.firmware_update_before_write() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM FROM fleet.hub WHERE hub_id = NEW.hub_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM fleet.update_hold WHERE hub_id = NEW.hub_id AND reason IS NOT NULL) THEN
        RAISE EXCEPTION 'updates of this Hub are held'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'install_excludes_update_hold';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION fleet.firmware_update_before_write() FROM PUBLIC;
CREATE TRIGGER firmware_update_before_write BEFORE INSERT OR UPDATE ON fleet.firmware_update
    FOR EACH ROW WHEN (NEW.state IN ('INSTALLING', 'TRIAL_BOOT') OR NEW.permit_id IS NOT NULL)
    EXECUTE FUNCTION fleet.firmware_update_before_write();

-- A decommissioned Hub has no updates and no hold either.
CREATE OR REPLACE FUNCTION fleet.hub_erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM fleet.owner_key WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.update_hold WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.firmware_update WHERE hub_id = NEW.hub_id;
    RETURN NULL;
END $$;

GRANT SELECT, INSERT ON fleet.update_hold, fleet.firmware_update TO fleet_service;
GRANT UPDATE (reason, lock_epoch, update_time) ON fleet.update_hold TO fleet_service;
GRANT UPDATE (state, hub_reason, failure, permit_id, permit_lock_epoch, permit_expire_time, begin_time,
              begin_boot_count, begin_slot, report_time)
    ON fleet.firmware_update TO fleet_service;

-- mesh: inbox
