#define _POSIX_C_SOURCE 200809L
#include "hub_door.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_S = 10, MAX_RECORD_TEXT = 6 * 1024 };

typedef struct {
    hub_answer_t *answer;
    size_t size;
} sink_t;

static size_t take(char *data, size_t size, size_t count, void *context)
{
    sink_t *sink = (sink_t *)context;
    const size_t bytes = size * count;
    if (bytes >= HUB_MAX_ANSWER - sink->size) {
        return 0; /* longer than any answer of the contract: libcurl ends the call */
    }
    memcpy(sink->answer->text + sink->size, data, bytes);
    sink->size += bytes;
    sink->answer->text[sink->size] = 0;
    return bytes;
}

bool hub_call(const hub_door_t *door, const char *path, const char *body, hub_answer_t *answer)
{
    char url[1024], certificate[1024], key[1024];
    sink_t sink = {answer, 0};
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "content-type: application/json");
    snprintf(url, sizeof url, "%s%s", door->url, path);
    hub_path(door->state, "tls.crt", certificate);
    hub_path(door->state, "tls.key", key);
    answer->status = 0;
    answer->text[0] = 0;
    if (curl == NULL || headers == NULL) {
        curl_slist_free_all(headers);
        curl_easy_cleanup(curl);
        return false;
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(curl, CURLOPT_CAINFO, door->ca);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    }
    const CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    } else {
        snprintf(answer->text, sizeof answer->text, "%s", curl_easy_strerror(code));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code == CURLE_OK;
}

bool hub_record_json(const ora_common_v1_SignedRecord *record, char *text, size_t capacity)
{
    char statement[MAX_RECORD_TEXT], signature[96], key_id[16];
    if (record->statement.size > ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX) {
        return false;
    }
    base64_of(record->statement.data, record->statement.size, statement);
    base64_of(record->signature, sizeof record->signature, signature);
    base64_of(record->key_id, sizeof record->key_id, key_id);
    const int length = snprintf(text, capacity, "{\"statement\": \"%s\", \"signature\": \"%s\", \"keyId\": \"%s\"}",
                                statement, signature, key_id);
    return length > 0 && (size_t)length < capacity;
}

bool hub_post_statement(const hub_door_t *door, const char *path, const ora_message_t *kind, const void *statement,
                        const uint8_t seed[ORA_KEY_BYTES], hub_answer_t *answer)
{
    static uint8_t work[ORA_RECORD_WORK_BYTES];
    char body[MAX_RECORD_TEXT + 256], whole[128];
    ora_common_v1_SignedRecord record;
    snprintf(whole, sizeof whole, "/v1/hubs/%s/%s", door->state->name, path);
    answer->status = 0;
    return ora_record_sign(kind, statement, seed, work, &record) == ORA_OK &&
           hub_record_json(&record, body, sizeof body) && hub_call(door, whole, body, answer);
}

bool hub_tell_owner_key(const hub_door_t *door, hub_answer_t *answer)
{
    ora_fleet_v1_OwnerKeyStatement statement = ora_fleet_v1_OwnerKeyStatement_init_zero;
    memcpy(statement.hub_id, door->state->hub_id, ORA_ID_BYTES);
    statement.owner_epoch = door->state->owner_epoch;
    return ora_port_sign_public(door->state->owner_seed, statement.owner_public_key) &&
           hub_post_statement(door, "ownerKey", ORA_FLEET_V1_OWNER_KEY_STATEMENT, &statement,
                              door->state->identity_seed, answer);
}

bool hub_tell_consent(hub_state_t *state, const hub_door_t *door, uint32_t capabilities, hub_answer_t *answer)
{
    ora_fleet_v1_ConsentStatement statement = ora_fleet_v1_ConsentStatement_init_zero;
    state->consent_sequence++;
    state->capabilities = capabilities;
    if (!hub_save(state)) {
        return false;
    }
    memcpy(statement.hub_id, state->hub_id, ORA_ID_BYTES);
    statement.owner_epoch = state->owner_epoch;
    statement.sequence = state->consent_sequence;
    for (unsigned number = 1; number <= _ora_common_v1_Capability_MAX; number++) {
        if (capabilities >> number & 1u) {
            statement.capabilities[statement.capabilities_count++] = (ora_common_v1_Capability)number;
        }
    }
    return hub_post_statement(door, "consent", ORA_FLEET_V1_CONSENT_STATEMENT, &statement, state->owner_seed, answer);
}

bool hub_tell_peers(hub_state_t *state, const hub_door_t *door, hub_answer_t *answer)
{
    static ora_fleet_v1_PeerListStatement statement;
    memset(&statement, 0, sizeof statement);
    state->peer_list_sequence++;
    if (!hub_save(state)) {
        return false;
    }
    memcpy(statement.hub_id, state->hub_id, ORA_ID_BYTES);
    statement.owner_epoch = state->owner_epoch;
    statement.sequence = state->peer_list_sequence;
    statement.peers_count = (pb_size_t)state->peer_count;
    for (size_t i = 0; i < state->peer_count; i++) {
        memcpy(statement.peers[i].peer_id, state->peers[i].peer_id, ORA_ID_BYTES);
        memcpy(statement.peers[i].subject_digest, state->peers[i].subject_digest, ORA_HASH_BYTES);
        statement.peers[i].not_after_seconds = state->peers[i].not_after_seconds;
    }
    return hub_post_statement(door, "peers", ORA_FLEET_V1_PEER_LIST_STATEMENT, &statement, state->owner_seed, answer);
}
