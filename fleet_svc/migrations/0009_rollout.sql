-- Why: rollouts bring a release to many Hubs in waves and stop themselves; what a Hub last said that it runs is what a
-- lost message is mended by, and what an offer has to fit.
-- Locks: fleet.firmware_update ACCESS EXCLUSIVE for an instant; it is empty.

CREATE TABLE fleet.firmware_rollout (
    rollout_id               uuid        PRIMARY KEY,
    release_id               uuid        NOT NULL REFERENCES fleet.firmware_release,
    hardware_model           text        NOT NULL CHECK (char_length(hardware_model) <= 32),
    lot                      text        NOT NULL CHECK (char_length(lot) <= 32),
    shares_permille          integer[]   NOT NULL CHECK (cardinality(shares_permille) BETWEEN 1 AND 8),
    soaks_seconds            integer[]   NOT NULL CHECK (cardinality(soaks_seconds) = cardinality(shares_permille)),
    failures_permille_max    integer[]   NOT NULL CHECK (cardinality(failures_permille_max) = cardinality(shares_permille)),
    silences_permille_max    integer[]   NOT NULL CHECK (cardinality(silences_permille_max) = cardinality(shares_permille)),
    silence_deadlines_seconds integer[]  NOT NULL CHECK (cardinality(silence_deadlines_seconds) = cardinality(shares_permille)),
    samples_min              integer[]   NOT NULL CHECK (cardinality(samples_min) = cardinality(shares_permille)),
    state                    text        NOT NULL CHECK (state IN
        ('AWAITING_APPROVAL', 'RUNNING', 'SOAKING', 'PAUSED', 'ABORTED', 'COMPLETED')),
    current_wave             integer     NOT NULL CHECK (current_wave BETWEEN 0 AND 7),
    stop_reason              text        CHECK (stop_reason IN
        ('FAILURES', 'SILENCE', 'WITHDRAWN', 'PREEMPTED', 'OPERATOR')),
    creator                  text        NOT NULL CHECK (char_length(creator) BETWEEN 1 AND 255),
    approver                 text        CHECK (char_length(approver) BETWEEN 1 AND 255 AND approver <> creator),
    preempt                  boolean     NOT NULL,
    create_time              timestamptz NOT NULL,
    wave_start_time          timestamptz,
    soak_start_time          timestamptz,
    update_time              timestamptz NOT NULL,
    revision                 bigint      NOT NULL DEFAULT 1 CHECK (revision > 0),
    event_sequence           bigint      NOT NULL DEFAULT 0 CHECK (event_sequence >= 0),
    CHECK (approver IS NOT NULL OR state IN ('AWAITING_APPROVAL', 'ABORTED'))
);
COMMENT ON TABLE fleet.firmware_rollout IS 'Rollouts of releases. None runs that a second person has not approved.';
COMMENT ON COLUMN fleet.firmware_rollout.rollout_id IS 'PUBLIC: the rollout.';
COMMENT ON COLUMN fleet.firmware_rollout.release_id IS 'PUBLIC: what it brings.';
COMMENT ON COLUMN fleet.firmware_rollout.hardware_model IS 'PUBLIC: only Hubs of this hardware; empty: all.';
COMMENT ON COLUMN fleet.firmware_rollout.lot IS 'PUBLIC: only Hubs of this lot; empty: all.';
COMMENT ON COLUMN fleet.firmware_rollout.shares_permille IS 'PUBLIC: by wave, the share of Hubs in it or an earlier one.';
COMMENT ON COLUMN fleet.firmware_rollout.soaks_seconds IS 'PUBLIC: by wave, how long to watch.';
COMMENT ON COLUMN fleet.firmware_rollout.failures_permille_max IS 'PUBLIC: by wave, how many may fail.';
COMMENT ON COLUMN fleet.firmware_rollout.silences_permille_max IS 'PUBLIC: by wave, how many may fall silent.';
COMMENT ON COLUMN fleet.firmware_rollout.silence_deadlines_seconds IS 'PUBLIC: by wave, how long silence is no failure.';
COMMENT ON COLUMN fleet.firmware_rollout.samples_min IS 'PUBLIC: by wave, how many must have begun before it is judged.';
COMMENT ON COLUMN fleet.firmware_rollout.state IS 'PUBLIC: where it is in its life.';
COMMENT ON COLUMN fleet.firmware_rollout.current_wave IS 'PUBLIC: which wave it is in.';
COMMENT ON COLUMN fleet.firmware_rollout.stop_reason IS 'PUBLIC: why it paused or stopped; null: it did not.';
COMMENT ON COLUMN fleet.firmware_rollout.creator IS 'PSEUDONYM: the OIDC subject of who planned it.';
COMMENT ON COLUMN fleet.firmware_rollout.approver IS 'PSEUDONYM: the OIDC subject of the second person; null: nobody yet.';
COMMENT ON COLUMN fleet.firmware_rollout.preempt IS 'PUBLIC: whether it may take the place of another.';
COMMENT ON COLUMN fleet.firmware_rollout.create_time IS 'PUBLIC: when it was planned.';
COMMENT ON COLUMN fleet.firmware_rollout.wave_start_time IS 'PUBLIC: when the current wave began.';
COMMENT ON COLUMN fleet.firmware_rollout.soak_start_time IS 'PUBLIC: since when the current wave is watched; null: it is not.';
COMMENT ON COLUMN fleet.firmware_rollout.update_time IS 'PUBLIC: when it last changed.';
COMMENT ON COLUMN fleet.firmware_rollout.revision IS 'PUBLIC: rises with each change; the etag.';
COMMENT ON COLUMN fleet.firmware_rollout.event_sequence IS 'PUBLIC: how many events were told of it.';

CREATE TABLE fleet.hub_boot (
    hub_id              uuid        PRIMARY KEY REFERENCES fleet.hub,
    slot                text        NOT NULL CHECK (slot IN ('A', 'B')),
    boot_count          bigint      NOT NULL CHECK (boot_count BETWEEN 0 AND 4294967295),
    firmware_sequence   bigint      NOT NULL CHECK (firmware_sequence >= 0),
    firmware_version    text        NOT NULL CHECK (char_length(firmware_version) <= 32),
    boot_loader_version bigint      NOT NULL CHECK (boot_loader_version BETWEEN 0 AND 4294967295),
    trial               boolean     NOT NULL,
    director_sequence   bigint      NOT NULL CHECK (director_sequence >= 0),
    report_time         timestamptz NOT NULL
);
COMMENT ON TABLE fleet.hub_boot IS 'What Hubs last said that they run. Written while OTA_POLL is on.';
COMMENT ON COLUMN fleet.hub_boot.hub_id IS 'PSEUDONYM: the Hub.';
COMMENT ON COLUMN fleet.hub_boot.slot IS 'PUBLIC: the slot that runs.';
COMMENT ON COLUMN fleet.hub_boot.boot_count IS 'PSEUDONYM: how often it has booted.';
COMMENT ON COLUMN fleet.hub_boot.firmware_sequence IS 'PUBLIC: the firmware that runs.';
COMMENT ON COLUMN fleet.hub_boot.firmware_version IS 'PUBLIC: its version.';
COMMENT ON COLUMN fleet.hub_boot.boot_loader_version IS 'PUBLIC: the boot loader.';
COMMENT ON COLUMN fleet.hub_boot.trial IS 'PUBLIC: whether the slot is on trial.';
COMMENT ON COLUMN fleet.hub_boot.director_sequence IS 'PSEUDONYM: the newest director statement for the Hub.';
COMMENT ON COLUMN fleet.hub_boot.report_time IS 'PUBLIC: when it said so.';

ALTER TABLE fleet.firmware_update
    ADD FOREIGN KEY (rollout_id) REFERENCES fleet.firmware_rollout,
    ADD COLUMN spent_permit_id uuid;
COMMENT ON COLUMN fleet.firmware_update.spent_permit_id IS 'PSEUDONYM: the permit that began the installation, so that its retry is known; null: none did.';
CREATE INDEX firmware_update_by_rollout ON fleet.firmware_update (rollout_id, wave, state);
-- A Hub gets a release by one rollout once.
CREATE UNIQUE INDEX firmware_update_once ON fleet.firmware_update (rollout_id, hub_id);

CREATE OR REPLACE FUNCTION fleet.hub_erase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM fleet.owner_key WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.update_hold WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.firmware_update WHERE hub_id = NEW.hub_id;
    DELETE FROM fleet.hub_boot WHERE hub_id = NEW.hub_id;
    RETURN NULL;
END $$;

GRANT SELECT, INSERT ON fleet.firmware_rollout, fleet.hub_boot TO fleet_service;
GRANT UPDATE (state, current_wave, stop_reason, approver, wave_start_time, soak_start_time, update_time, revision,
              event_sequence)
    ON fleet.firmware_rollout TO fleet_service;
GRANT UPDATE (slot, boot_count, firmware_sequence, firmware_version, boot_loader_version, trial, director_sequence,
              report_time)
    ON fleet.hub_boot TO fleet_service;
GRANT UPDATE (spent_permit_id) ON fleet.firmware_update TO fleet_service;
