-- A consent that the new owner gave before the receipt came must not be lowered with that of the installer.
-- Locks: portal.task for an instant.
ALTER TABLE portal.task ADD COLUMN owner_epoch bigint NOT NULL DEFAULT 0 CHECK (owner_epoch >= 0);
COMMENT ON COLUMN portal.task.owner_epoch IS 'PUBLIC: the owner epoch that a receipt began; 0: none.';
