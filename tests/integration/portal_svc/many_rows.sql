-- Enough rows that an index is worth it. Triggers and foreign keys rest: the plans matter here, not the rows.
SET session_replication_role = replica;
INSERT INTO portal.organization SELECT md5('t' || n)::uuid, 'x', '', 'AU', '', '', 'ACTIVE', NULL, 9, 'k', 1, now(), now()
  FROM generate_series(1, {tenants}) n;
INSERT INTO portal.member SELECT md5('m' || n)::uuid, md5('t' || n % {tenants})::uuid, gen_random_uuid(),
       sha256(n::text::bytea), 'M' || n, '', 'ADMIN', 'ACTIVE', 1, now(), now() FROM generate_series(1, {rows}) n;
INSERT INTO portal.project (project_id, tenant_id, owner_member_id, state, hub_id, lock_epoch, template_version, sealed,
                            data_key, revision, create_time, update_time)
SELECT md5('p' || n)::uuid, md5('t' || n % {tenants})::uuid, md5('m' || n)::uuid, 'PENDING_HANDOVER', gen_random_uuid(), 1,
       '', 's', 'k', 1, now() - n * interval '1 minute', now() - n * interval '1 minute' FROM generate_series(1, {rows}) n;
INSERT INTO portal.project_words SELECT project_id, tenant_id, ARRAY['w'::bytea] FROM portal.project;
INSERT INTO portal.checklist_item SELECT gen_random_uuid(), tenant_id, project_id, true, 1, 'OPEN', NULL, NULL, 's', 1
  FROM portal.project, generate_series(1, 3);
INSERT INTO portal.participant SELECT gen_random_uuid(), tenant_id, project_id, gen_random_uuid(), 'VIEWER', 1, now()
  FROM portal.project;
INSERT INTO portal.handover (project_id, lock_epoch, tenant_id, mode, state, hub_id, access_key_id, generation,
                             lock_notice, initiate_time, expire_time, revision)
SELECT project_id, 1, tenant_id, 'LOCAL', 'PENDING', hub_id, md5('k' || project_id)::uuid, 1, 'n', now(), now(), 1
  FROM portal.project;
INSERT INTO portal.access_key (access_key_id, tenant_id, project_id, lock_epoch, generation, locator, auth_public_key,
                               suite, wrap_public_key, state, expire_time, create_time, revision)
SELECT access_key_id, tenant_id, project_id, 1, 1, row_number() OVER (), sha256('a'), 'X25519', sha256('a'), 'ISSUED',
       now(), now(), 1 FROM portal.handover;
INSERT INTO portal.live_locator SELECT locator, tenant_id, project_id, access_key_id FROM portal.access_key;
INSERT INTO portal.live_hub SELECT hub_id, tenant_id, project_id, sha256('h') FROM portal.project;
INSERT INTO portal.access_key_attempt (tenant_id, access_key_id, reason, attempt_time)
SELECT tenant_id, access_key_id, 'NONCE', now() FROM portal.access_key, generate_series(1, 3);
INSERT INTO portal.taken_receipt SELECT sha256(n::text::bytea), 1, now() FROM generate_series(1, {rows}) n;
INSERT INTO portal.spent_proof SELECT sha256(n::text::bytea), now() FROM generate_series(1, {rows}) n;
INSERT INTO portal.plan (project_id, plan_id, tenant_id, kind, required, sealed_title, latest_revision, frozen_revision,
                         revision, create_time)
SELECT project_id, md5('l' || project_id)::uuid, tenant_id, 'FLOOR_PLAN', false, '', 0, 0, 1, now() FROM portal.project;
INSERT INTO portal.plan_upload SELECT md5('u' || plan_id)::uuid, tenant_id, project_id, plan_id, 1, 4096, sha256('d'), 1, 0,
       'OPEN', sha256(plan_id::text::bytea), now() FROM portal.plan;
INSERT INTO portal.plan_upload_piece SELECT upload_id, 0, tenant_id, 9, md5('o' || upload_id)::uuid
  FROM portal.plan_upload;
INSERT INTO portal.plan_revision SELECT project_id, plan_id, 1, tenant_id, md5('r' || plan_id)::uuid, 4096, sha256('d'), 1,
       md5('m' || project_id)::uuid, now() FROM portal.plan;
INSERT INTO portal.stored_object SELECT object_id FROM portal.plan_revision;
INSERT INTO portal.project_template SELECT md5('w' || n)::uuid, md5('t' || n % {tenants})::uuid, 'T' || n, '', n % 50 = 0,
       'ACTIVE', 1, 1, now(), now() FROM generate_series(1, {rows}) n;
INSERT INTO portal.project_template_version SELECT template_id, 1, tenant_id, '', now() FROM portal.project_template;
INSERT INTO portal.task SELECT gen_random_uuid(), 'STRIP', tenant_id, project_id, 0, now(), 0, '', NULL, now()
  FROM portal.project;
INSERT INTO portal.custody (project_id, tenant_id, state, lock_epoch, generation, suite, wrap_key_digest, seal_time,
                            destroy_time, revision)
SELECT project_id, tenant_id, 'DESTROYED', 1, 1, 'X25519', sha256('w'), now(), now(), 1 FROM portal.project;
SET session_replication_role = origin;
ANALYZE;
