-- Why: what a project or a person leaves is found by index, in directories of all tenants too.
-- Locks: each table against writing while its index is made; they are small, or new.

CREATE INDEX live_locator_by_project ON portal.live_locator (project_id);
CREATE INDEX taken_receipt_by_time ON portal.taken_receipt (receive_time);
CREATE INDEX plan_upload_by_opener ON portal.plan_upload (tenant_id, opener_digest);
CREATE INDEX handover_by_claimant ON portal.handover (tenant_id, claimant_subject_digest)
    WHERE claimant_subject_digest IS NOT NULL;
CREATE INDEX custody_by_tenant ON portal.custody (tenant_id);
