#include "hub_fetch.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

/* A record from JSON; its statement lies in `statement`. */
typedef struct {
    ora_common_v1_SignedRecord record;
    uint8_t statement[ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX + 3];
} parsed_t;

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

bool hub_fetch_portal_keys(hub_state_t *state, const hub_door_t *door, const uint8_t root[ORA_KEY_BYTES],
                           hub_answer_t *answer)
{
    static parsed_t parsed;
    const cJSON *each;
    if (!hub_call(door, "/v1/signingKeys", NULL, answer) || answer->status != 200) {
        return false;
    }
    cJSON *document = cJSON_Parse(answer->text);
    state->portal_key_count = 0;
    cJSON_ArrayForEach(each, cJSON_GetObjectItemCaseSensitive(document, "signingKeys"))
    {
        if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(each, "withdrawn")) && read_record(each, "record", &parsed)) {
            hub_learn_key(state, &parsed.record, root);
        }
    }
    cJSON_Delete(document);
    return state->portal_key_count > 0 && hub_save(state);
}

static const char *read_handover(hub_state_t *state, const cJSON *answer, char *text, size_t capacity)
{
    static parsed_t notice, claim, grant;
    if (!read_record(answer, "lockNotice", &notice)) {
        return "NOT_LOCKED";
    }
    const char *refused = hub_take_notice(state, &notice.record);
    if (refused != NULL) {
        return refused;
    }
    if (!read_record(answer, "claim", &claim) || !read_record(answer, "claimGrant", &grant)) {
        return "NOT_CLAIMED";
    }
    return hub_take_claim(state, &claim.record, NULL, &grant.record, text, capacity);
}

const char *hub_fetch_handover(hub_state_t *state, const hub_door_t *door, hub_answer_t *answer)
{
    static char text[HUB_MAX_RECORD_JSON], body[HUB_MAX_RECORD_JSON + 32];
    char path[128], project[HUB_NAME_BYTES];
    if (!hub_receipt(state, text, sizeof text)) {
        snprintf(path, sizeof path, "/v1/hubs/%s/handover", state->name);
        if (!hub_call(door, path, NULL, answer) || answer->status != 200) {
            return "NO_ANSWER";
        }
        cJSON *document = cJSON_Parse(answer->text);
        const char *refused = read_handover(state, document, text, sizeof text);
        cJSON_Delete(document);
        if (refused != NULL) {
            return refused;
        }
    }
    uuid_of(state->project_id, project);
    snprintf(path, sizeof path, "/v1/projects/%s:submitReceipt", project);
    snprintf(body, sizeof body, "{\"receipt\": %s}", text);
    if (!hub_call(door, path, body, answer) || answer->status != 200) {
        return "RECEIPT_NOT_TAKEN";
    }
    tell(state->name, "handed_over", "\"owner_epoch\": %llu", (unsigned long long)state->owner_epoch);
    return hub_receipt_taken(state) ? NULL : "NOT_WRITTEN";
}
