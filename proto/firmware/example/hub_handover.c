#define _POSIX_C_SOURCE 200809L
#include "hub_handover.h"

#include <stdio.h>
#include <string.h>

static const char RECEIPT[] = "receipt.json";
static const char CLAIMANT_CONTEXT[] = "ora access key claimant v1"; /* its terminator is the zero byte */

static uint8_t work[ORA_RECORD_WORK_BYTES];

/* Checks a record and reads its statement. */
static bool believe(const ora_message_t *kind, const ora_common_v1_SignedRecord *record,
                    const uint8_t key[ORA_KEY_BYTES], void *statement)
{
    return ora_record_verify(kind->context, record, key, work) == ORA_OK &&
           ora_decode(kind, record->statement.data, record->statement.size, statement);
}

static bool believe_portal(const hub_state_t *state, const ora_message_t *kind,
                           const ora_common_v1_SignedRecord *record, void *statement)
{
    for (size_t i = 0; i < state->portal_key_count; i++) {
        if (believe(kind, record, state->portal_keys[i], statement)) {
            return true;
        }
    }
    return false;
}

static void forget_receipt(const hub_state_t *state)
{
    char path[1024];
    hub_path(state, RECEIPT, path);
    remove(path);
}

bool hub_bind(hub_state_t *state, const uint8_t project[ORA_ID_BYTES], const uint8_t nonce[32], char *text,
              size_t capacity)
{
    ora_portal_v1_HubBindingStatement statement = ora_portal_v1_HubBindingStatement_init_zero;
    ora_common_v1_SignedRecord record;
    memcpy(statement.hub_id, state->hub_id, ORA_ID_BYTES);
    memcpy(statement.project_id, project, ORA_ID_BYTES);
    memcpy(statement.nonce, nonce, sizeof statement.nonce);
    statement.action = ora_portal_v1_HubBindingAction_HUB_BINDING_ACTION_BIND;
    statement.owner_epoch = state->owner_epoch;
    if (memcmp(state->project_id, project, ORA_ID_BYTES) != 0) {
        /* Lock epochs are counted by each project. */
        state->lock_epoch = state->receipted_epoch = 0;
        state->lock_generation = 0;
        memset(state->lock_auth_key, 0, ORA_KEY_BYTES);
        forget_receipt(state);
    }
    memcpy(state->project_id, project, ORA_ID_BYTES);
    return ora_record_sign(ORA_PORTAL_V1_HUB_BINDING_STATEMENT, &statement, state->identity_seed, work, &record) ==
               ORA_OK &&
           hub_record_json(&record, text, capacity) && hub_save(state);
}

void hub_learn_key(hub_state_t *state, const ora_common_v1_SignedRecord *record, const uint8_t root[ORA_KEY_BYTES])
{
    ora_portal_v1_SigningKeyStatement statement;
    const uint64_t now = now_ms();
    if (!believe(ORA_PORTAL_V1_SIGNING_KEY_STATEMENT, record, root, &statement) ||
        statement.purpose != ora_portal_v1_SigningKeyPurpose_SIGNING_KEY_PURPOSE_HANDOVER ||
        now < statement.not_before_ms || now >= statement.not_after_ms) {
        return;
    }
    for (size_t i = 0; i < state->portal_key_count; i++) {
        if (memcmp(state->portal_keys[i], statement.public_key, ORA_KEY_BYTES) == 0) {
            return;
        }
    }
    if (state->portal_key_count == HUB_MAX_PORTAL_KEYS) { /* the oldest goes */
        memmove(state->portal_keys, state->portal_keys[1], (HUB_MAX_PORTAL_KEYS - 1) * ORA_KEY_BYTES);
        state->portal_key_count--;
    }
    memcpy(state->portal_keys[state->portal_key_count++], statement.public_key, ORA_KEY_BYTES);
}

const char *hub_take_notice(hub_state_t *state, const ora_common_v1_SignedRecord *notice)
{
    ora_portal_v1_LockNoticeStatement said;
    if (!believe_portal(state, ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT, notice, &said)) {
        return "LOCK_SIGNATURE";
    }
    if (memcmp(said.hub_id, state->hub_id, ORA_ID_BYTES) != 0 ||
        memcmp(said.project_id, state->project_id, ORA_ID_BYTES) != 0) {
        return "LOCK_FOR_ANOTHER";
    }
    if (said.lock_epoch < state->lock_epoch ||
        (said.lock_epoch == state->lock_epoch && said.generation < state->lock_generation)) {
        return "LOCK_ROLLED_BACK";
    }
    if (memcmp(said.auth_public_key, state->lock_auth_key, ORA_KEY_BYTES) != 0) {
        return "ACCESS_KEY_UNKNOWN";
    }
    state->lock_epoch = said.lock_epoch;
    state->lock_generation = said.generation;
    if (!hub_save(state)) {
        return "NOT_WRITTEN";
    }
    tell(state->name, "locked", "\"lock_epoch\": %llu, \"generation\": %u", (unsigned long long)state->lock_epoch,
         (unsigned)state->lock_generation);
    return NULL;
}

static bool signed_by_claimant(const ora_common_v1_SignedRecord *claim, const uint8_t key[ORA_KEY_BYTES],
                               const uint8_t signature[ORA_SIGNATURE_BYTES])
{
    memcpy(work, CLAIMANT_CONTEXT, sizeof CLAIMANT_CONTEXT);
    memcpy(work + sizeof CLAIMANT_CONTEXT, claim->statement.data, claim->statement.size);
    const ora_span_t message = {work, sizeof CLAIMANT_CONTEXT + claim->statement.size};
    return ora_port_verify(key, message, signature);
}

static const char *check_claim(const hub_state_t *state, const ora_common_v1_SignedRecord *claim,
                               const uint8_t *claimant_signature, const ora_common_v1_SignedRecord *grant,
                               ora_portal_v1_AccessKeyClaimStatement *claimed, uint8_t digest[ORA_HASH_BYTES])
{
    ora_portal_v1_ClaimGrantStatement granted;
    if (state->lock_epoch == 0) {
        return "NOT_LOCKED";
    }
    if (!believe(ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT, claim, state->lock_auth_key, claimed)) {
        return "CLAIM_SIGNATURE";
    }
    if (claimant_signature != NULL && !signed_by_claimant(claim, claimed->claimant_public_key, claimant_signature)) {
        return "CLAIMANT_SIGNATURE";
    }
    if (!believe_portal(state, ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT, grant, &granted)) {
        return "GRANT_SIGNATURE";
    }
    if (!ora_port_sha256(&claim->statement, 1, digest) ||
        memcmp(granted.claim_digest, digest, ORA_HASH_BYTES) != 0 ||
        memcmp(granted.hub_id, state->hub_id, ORA_ID_BYTES) != 0 ||
        memcmp(granted.project_id, state->project_id, ORA_ID_BYTES) != 0 ||
        granted.lock_epoch != state->lock_epoch || granted.generation != state->lock_generation ||
        claimed->generation != state->lock_generation) {
        return "GRANT_FOR_ANOTHER";
    }
    return NULL;
}

static bool write_file(const hub_state_t *state, const char *name, const char *text)
{
    char path[1024];
    hub_path(state, name, path);
    FILE *stream = fopen(path, "w");
    if (stream == NULL) {
        return false;
    }
    const bool written = fputs(text, stream) >= 0;
    return fclose(stream) == 0 && written;
}

bool hub_receipt(const hub_state_t *state, char *text, size_t capacity)
{
    char path[1024];
    hub_path(state, RECEIPT, path);
    FILE *stream = fopen(path, "r");
    if (stream == NULL) {
        return false;
    }
    const size_t size = fread(text, 1, capacity - 1, stream);
    text[size] = 0;
    fclose(stream);
    return size > 0;
}

bool hub_receipt_taken(hub_state_t *state)
{
    forget_receipt(state);
    memset(state->project_id, 0, sizeof state->project_id);
    return hub_save(state);
}

/* Becomes the new owner's, then signs it. The new owner key is written down before the receipt names it, and the
 * receipt before it is sent: whenever the power goes, the next attempt ends at one owner and one receipt. */
static const char *make_receipt(hub_state_t *state, const ora_portal_v1_AccessKeyClaimStatement *claimed,
                                const uint8_t digest[ORA_HASH_BYTES], char *text, size_t capacity)
{
    ora_portal_v1_HandoverReceiptStatement statement = ora_portal_v1_HandoverReceiptStatement_init_zero;
    ora_common_v1_SignedRecord record;
    if (state->receipted_epoch != state->lock_epoch) {
        state->receipted_epoch = state->lock_epoch;
        if (!hub_new_owner(state) || !hub_save(state)) {
            return "NOT_WRITTEN";
        }
    }
    memcpy(statement.hub_id, state->hub_id, ORA_ID_BYTES);
    memcpy(statement.project_id, state->project_id, ORA_ID_BYTES);
    statement.lock_epoch = state->lock_epoch;
    statement.generation = state->lock_generation;
    memcpy(statement.claimant_public_key, claimed->claimant_public_key, ORA_KEY_BYTES);
    memcpy(statement.claim_digest, digest, ORA_HASH_BYTES);
    statement.owner_epoch = state->owner_epoch;
    statement.created_ms = now_ms();
    if (!ora_port_sign_public(state->owner_seed, statement.owner_public_key) ||
        !ora_port_random(statement.receipt_id, sizeof statement.receipt_id) ||
        ora_record_sign(ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT, &statement, state->identity_seed, work, &record) !=
            ORA_OK ||
        !hub_record_json(&record, text, capacity)) {
        return "NOT_SIGNED";
    }
    return write_file(state, RECEIPT, text) ? NULL : "NOT_WRITTEN";
}

const char *hub_take_claim(hub_state_t *state, const ora_common_v1_SignedRecord *claim,
                           const uint8_t *claimant_signature, const ora_common_v1_SignedRecord *grant, char *text,
                           size_t capacity)
{
    ora_portal_v1_AccessKeyClaimStatement claimed;
    uint8_t digest[ORA_HASH_BYTES];
    const char *refused = check_claim(state, claim, claimant_signature, grant, &claimed, digest);
    if (refused != NULL) {
        return refused;
    }
    if (state->receipted_epoch == state->lock_epoch && hub_receipt(state, text, capacity)) {
        return NULL;
    }
    return make_receipt(state, &claimed, digest, text, capacity);
}
