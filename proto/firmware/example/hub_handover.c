#define _POSIX_C_SOURCE 200809L
#include "hub_handover.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RECORD_JSON = 8 * 1024 };

/* A record from JSON; its statement lies in `statement`. */
typedef struct {
    ora_common_v1_SignedRecord record;
    uint8_t statement[ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX + 3];
} parsed_t;

static uint8_t work[ORA_RECORD_WORK_BYTES];

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text != NULL ? text : "";
}

static bool read_record(const cJSON *answer, const char *name, parsed_t *parsed)
{
    uint8_t signature[ORA_SIGNATURE_BYTES + 3], key_id[ORA_KEY_ID_BYTES + 3];
    size_t size, signature_size, key_id_size;
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(answer, name);
    if (!base64_to(text_of(object, "statement"), parsed->statement, sizeof parsed->statement, &size) ||
        !base64_to(text_of(object, "signature"), signature, sizeof signature, &signature_size) ||
        !base64_to(text_of(object, "keyId"), key_id, sizeof key_id, &key_id_size) ||
        signature_size != ORA_SIGNATURE_BYTES || key_id_size != ORA_KEY_ID_BYTES) {
        return false;
    }
    parsed->record.statement.data = parsed->statement;
    parsed->record.statement.size = size;
    memcpy(parsed->record.signature, signature, ORA_SIGNATURE_BYTES);
    memcpy(parsed->record.key_id, key_id, ORA_KEY_ID_BYTES);
    return true;
}

/* Checks a record and reads its statement. */
static bool believe(const ora_message_t *kind, const parsed_t *parsed, const uint8_t key[ORA_KEY_BYTES], void *statement)
{
    return ora_record_verify(kind->context, &parsed->record, key, work) == ORA_OK &&
           ora_decode(kind, parsed->record.statement.data, parsed->record.statement.size, statement);
}

bool hub_portal_key(const hub_door_t *door, const uint8_t root[ORA_KEY_BYTES], uint8_t portal_key[ORA_KEY_BYTES],
                    hub_answer_t *answer)
{
    static parsed_t parsed;
    ora_portal_v1_SigningKeyStatement statement;
    const cJSON *each;
    bool found = false;
    if (!hub_call(door, "/v1/signingKeys", NULL, answer) || answer->status != 200) {
        return false;
    }
    cJSON *document = cJSON_Parse(answer->text);
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(document, "signingKeys"))
    {
        if (!found && !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(each, "withdrawn")) &&
            read_record(each, "record", &parsed) &&
            believe(ORA_PORTAL_V1_SIGNING_KEY_STATEMENT, &parsed, root, &statement) &&
            statement.purpose == ora_portal_v1_SigningKeyPurpose_SIGNING_KEY_PURPOSE_HANDOVER &&
            statement.not_before_ms <= now_ms() && now_ms() < statement.not_after_ms) {
            memcpy(portal_key, statement.public_key, ORA_KEY_BYTES);
            found = true;
        }
    }
    cJSON_Delete(document);
    return found;
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
    memcpy(state->project_id, project, ORA_ID_BYTES);
    return ora_record_sign(ORA_PORTAL_V1_HUB_BINDING_STATEMENT, &statement, state->identity_seed, work, &record) ==
               ORA_OK &&
           hub_record_json(&record, text, capacity) && hub_save(state);
}

/* Takes a lock only for the project that the Hub is bound to, only with an AccessKey that the installer's app named on
 * the local network, and never an older one than it has seen. */
static const char *take_lock(hub_state_t *state, const ora_portal_v1_LockNoticeStatement *notice)
{
    if (memcmp(notice->hub_id, state->hub_id, ORA_ID_BYTES) != 0 ||
        memcmp(notice->project_id, state->project_id, ORA_ID_BYTES) != 0) {
        return "LOCK_FOR_ANOTHER";
    }
    if (notice->lock_epoch < state->lock_epoch ||
        (notice->lock_epoch == state->lock_epoch && notice->generation < state->lock_generation)) {
        return "LOCK_ROLLED_BACK";
    }
    if (memcmp(notice->auth_public_key, state->lock_auth_key, ORA_KEY_BYTES) != 0) {
        return "ACCESS_KEY_UNKNOWN";
    }
    state->lock_epoch = notice->lock_epoch;
    state->lock_generation = notice->generation;
    return hub_save(state) ? NULL : "NOT_WRITTEN";
}

static const char *check_claim(const hub_state_t *state, const parsed_t *claim, const parsed_t *grant,
                               const uint8_t portal_key[ORA_KEY_BYTES], ora_portal_v1_AccessKeyClaimStatement *claimed,
                               uint8_t digest[ORA_HASH_BYTES])
{
    ora_portal_v1_ClaimGrantStatement granted;
    if (!believe(ORA_PORTAL_V1_ACCESS_KEY_CLAIM_STATEMENT, claim, state->lock_auth_key, claimed)) {
        return "CLAIM_SIGNATURE";
    }
    if (!believe(ORA_PORTAL_V1_CLAIM_GRANT_STATEMENT, grant, portal_key, &granted)) {
        return "GRANT_SIGNATURE";
    }
    if (!ora_port_sha256(&claim->record.statement, 1, digest) ||
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

static bool read_file(const hub_state_t *state, const char *name, char *text, size_t capacity)
{
    char path[1024];
    hub_path(state, name, path);
    FILE *stream = fopen(path, "r");
    if (stream == NULL) {
        return false;
    }
    const size_t size = fread(text, 1, capacity - 1, stream);
    text[size] = 0;
    fclose(stream);
    return size > 0;
}

/* Becomes the new owner's, then signs it. The new owner key is written down before the receipt names it, and the
 * receipt before it is sent: whenever the power goes, the next attempt ends at one owner and one receipt. */
static const char *make_receipt(hub_state_t *state, const ora_portal_v1_AccessKeyClaimStatement *claimed,
                                const uint8_t digest[ORA_HASH_BYTES], char *body, size_t capacity)
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
    char json[MAX_RECORD_JSON];
    if (!ora_port_sign_public(state->owner_seed, statement.owner_public_key) ||
        !ora_port_random(statement.receipt_id, sizeof statement.receipt_id) ||
        ora_record_sign(ORA_PORTAL_V1_HANDOVER_RECEIPT_STATEMENT, &statement, state->identity_seed, work, &record) !=
            ORA_OK ||
        !hub_record_json(&record, json, sizeof json)) {
        return "NOT_SIGNED";
    }
    snprintf(body, capacity, "{\"receipt\": %s}", json);
    return write_file(state, "receipt.json", body) ? NULL : "NOT_WRITTEN";
}

static const char *read_handover(hub_state_t *state, const uint8_t portal_key[ORA_KEY_BYTES], const cJSON *answer,
                                 char *body, size_t capacity)
{
    static parsed_t notice, claim, grant;
    ora_portal_v1_LockNoticeStatement locked;
    ora_portal_v1_AccessKeyClaimStatement claimed;
    uint8_t digest[ORA_HASH_BYTES];
    if (!read_record(answer, "lockNotice", &notice)) {
        return "NOT_LOCKED";
    }
    if (!believe(ORA_PORTAL_V1_LOCK_NOTICE_STATEMENT, &notice, portal_key, &locked)) {
        return "LOCK_SIGNATURE";
    }
    const char *refused = take_lock(state, &locked);
    if (refused != NULL) {
        return refused;
    }
    tell(state->name, "locked", "\"lock_epoch\": %llu, \"generation\": %u", (unsigned long long)state->lock_epoch,
         (unsigned)state->lock_generation);
    if (!read_record(answer, "claim", &claim) || !read_record(answer, "claimGrant", &grant)) {
        return "NOT_CLAIMED";
    }
    refused = check_claim(state, &claim, &grant, portal_key, &claimed, digest);
    return refused != NULL ? refused : make_receipt(state, &claimed, digest, body, capacity);
}

const char *hub_hand_over(hub_state_t *state, const hub_door_t *door, const uint8_t portal_key[ORA_KEY_BYTES],
                          hub_answer_t *answer)
{
    static char body[MAX_RECORD_JSON + 32];
    char path[1024], project[HUB_NAME_BYTES];
    if (!read_file(state, "receipt.json", body, sizeof body)) {
        snprintf(path, sizeof path, "/v1/hubs/%s/handover", state->name);
        if (!hub_call(door, path, NULL, answer) || answer->status != 200) {
            return "NO_ANSWER";
        }
        cJSON *document = cJSON_Parse(answer->text);
        const char *refused = read_handover(state, portal_key, document, body, sizeof body);
        cJSON_Delete(document);
        if (refused != NULL) {
            return refused;
        }
    }
    uuid_of(state->project_id, project);
    snprintf(path, sizeof path, "/v1/projects/%s:submitReceipt", project);
    if (!hub_call(door, path, body, answer) || answer->status != 200) {
        return "RECEIPT_NOT_TAKEN";
    }
    tell(state->name, "handed_over", "\"owner_epoch\": %llu", (unsigned long long)state->owner_epoch);
    hub_path(state, "receipt.json", path);
    remove(path);
    memset(state->project_id, 0, sizeof state->project_id);
    return hub_save(state) ? NULL : "NOT_WRITTEN";
}
