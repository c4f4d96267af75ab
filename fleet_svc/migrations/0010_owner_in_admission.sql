-- Why: whoever serves a Hub may have to verify what its owner key signed (a SupportGrant), so the owner key is part of the
-- Hub's admission: a new epoch is told even where it had no consent and no peers to void (ADR 0058).
-- Locks: fleet.owner_key SHARE ROW EXCLUSIVE for an instant, for the trigger.

CREATE TRIGGER owner_key_admission AFTER INSERT OR UPDATE OR DELETE ON fleet.owner_key
    FOR EACH ROW EXECUTE FUNCTION fleet.admission_changed();
