/* Owns the command line of the reference Hub. What a product does by its buttons, its radio and its pairing with an app
 * are commands here; `run` is its life on the line. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub_fetch.h"
#include "hub_link.h"

static int argument_count;
static char **arguments;

static const char USAGE[] =
    "usage: ora-hub COMMAND --dir DIR [--NAME VALUE]...\n"
    "  init       --hub UUID                          make keys and a certificate request in an existing folder\n"
    "  pair       --signing HEX --sealing HEX --key-epoch N --issuer TEXT --subject TEXT\n"
    "  owner-key  --url URL --ca FILE                 announce the owner key\n"
    "  consent    --url URL --ca FILE --on RELAY,...  state what the cloud may do; `none`: nothing\n"
    "  peers      --url URL --ca FILE                 state who may talk to the Hub\n"
    "  bind       --project UUID --nonce HEX          sign that the Hub joins a project\n"
    "  key        --auth HEX                          the installer's app names the AccessKey, on the local network\n"
    "  learn      --record BASE64 --portal-root HEX   an app brings a key of the portal\n"
    "  notice     --record BASE64 --auth HEX          the installer's app brings the lock notice, and names the AccessKey\n"
    "  claim      --claim BASE64 --signature HEX --grant BASE64   the owner's app brings the claim; prints the receipt\n"
    "  handover   --url URL --ca FILE --app-url URL --portal-root HEX\n"
    "                                                 take the lock and the claim, bring the receipt\n"
    "  run        --host HOST --port PORT --ca FILE [--backoff-base-ms N] [--backoff-cap-ms N] [--stable-after-ms N]\n"
    "             [--telemetry-every-ms N]\n";

static const char *option(const char *name, const char *otherwise)
{
    for (int i = 2; i + 1 < argument_count; i += 2) {
        if (strncmp(arguments[i], "--", 2) == 0 && strcmp(arguments[i] + 2, name) == 0) {
            return arguments[i + 1];
        }
    }
    if (otherwise == NULL) {
        fprintf(stderr, "--%s is missing\n%s", name, USAGE);
        exit(2);
    }
    return otherwise;
}

static void bytes_option(const char *name, uint8_t *bytes, size_t size)
{
    if (!hex_to(option(name, NULL), bytes, size)) {
        fprintf(stderr, "--%s: %zu bytes in lower-case hex are wanted\n", name, size);
        exit(2);
    }
}

static void uuid_option(const char *name, uint8_t id[ORA_ID_BYTES])
{
    if (!uuid_to(option(name, NULL), id)) {
        fprintf(stderr, "--%s: a UUID in lower case is wanted\n", name);
        exit(2);
    }
}

static uint64_t number_option(const char *name, const char *otherwise)
{
    return strtoull(option(name, otherwise), NULL, 10);
}

static int said(bool answered, const hub_answer_t *answer)
{
    if (!answered) {
        fprintf(stderr, "not done: %s\n", answer->text);
        return 1;
    }
    printf("{\"status\": %ld, \"answer\": %s}\n", answer->status, answer->text[0] == '{' ? answer->text : "null");
    return answer->status == 200 ? 0 : 1;
}

static int pair(hub_state_t *state)
{
    hub_peer_t peer = {0};
    bytes_option("signing", peer.signing_public, ORA_KEY_BYTES);
    bytes_option("sealing", peer.sealing_public, ORA_KEY_BYTES);
    peer.key_epoch = (uint32_t)number_option("key-epoch", NULL);
    const bool done = ora_peer_id(peer.signing_public, peer.peer_id) &&
                      ora_subject_digest(state->hub_id, option("issuer", NULL), option("subject", NULL),
                                         peer.subject_digest) &&
                      hub_pair(state, &peer) && hub_save(state);
    if (!done) {
        fprintf(stderr, "not paired: there is room for %d sessions\n", HUB_MAX_PEERS);
    }
    return !done;
}

/* Reads `RELAY,TELEMETRY`; exits at a name that is none. */
static uint32_t capabilities(const char *list)
{
    static const char *const names[] = {"",          "RELAY",   "TELEMETRY", "BACKUP",
                                        "OTA_POLL", "COMMAND", "STREAM",    "SHADOW"};
    uint32_t set = 0;
    char copy[128], *rest = copy;
    if (strcmp(list, "none") == 0) {
        return 0;
    }
    snprintf(copy, sizeof copy, "%s", list);
    for (char *each = strtok(rest, ","); each != NULL; each = strtok(NULL, ",")) {
        unsigned number = 1;
        while (number < sizeof names / sizeof *names && strcmp(each, names[number]) != 0) {
            number++;
        }
        if (number == sizeof names / sizeof *names) {
            fprintf(stderr, "%s is no capability\n", each);
            exit(2);
        }
        set |= 1u << number;
    }
    return set;
}

static int bind_hub(hub_state_t *state)
{
    static char text[8192];
    uint8_t project[ORA_ID_BYTES], nonce[32];
    uuid_option("project", project);
    bytes_option("nonce", nonce, sizeof nonce);
    if (!hub_bind(state, project, nonce, text, sizeof text)) {
        fprintf(stderr, "not bound\n");
        return 1;
    }
    printf("%s\n", text);
    return 0;
}

/* A SignedRecord as an app hands it over on the local network: base64 of its encoding. */
static ora_common_v1_SignedRecord record_option(const char *name, uint8_t *buffer, size_t capacity)
{
    ora_common_v1_SignedRecord record;
    size_t size;
    if (!base64_to(option(name, NULL), buffer, capacity, &size) ||
        !ora_decode(ORA_COMMON_V1_SIGNED_RECORD, buffer, size, &record)) {
        fprintf(stderr, "--%s is no SignedRecord in base64\n", name);
        exit(2);
    }
    return record;
}

static int refused_or_done(const char *refused)
{
    if (refused != NULL) {
        fprintf(stderr, "%s\n", refused);
    }
    return refused != NULL;
}

static uint8_t first[HUB_MAX_RECORD_JSON], second[HUB_MAX_RECORD_JSON];

static int learn(hub_state_t *state)
{
    uint8_t root[ORA_KEY_BYTES];
    const ora_common_v1_SignedRecord record = record_option("record", first, sizeof first);
    bytes_option("portal-root", root, sizeof root);
    hub_learn_key(state, &record, root);
    printf("%zu\n", state->portal_key_count);
    return !hub_save(state);
}

static int notice(hub_state_t *state)
{
    const ora_common_v1_SignedRecord record = record_option("record", first, sizeof first);
    bytes_option("auth", state->lock_auth_key, ORA_KEY_BYTES);
    return refused_or_done(hub_take_notice(state, &record));
}

static int claim(hub_state_t *state)
{
    static char text[HUB_MAX_RECORD_JSON];
    uint8_t signature[ORA_SIGNATURE_BYTES];
    const ora_common_v1_SignedRecord claimed = record_option("claim", first, sizeof first);
    const ora_common_v1_SignedRecord grant = record_option("grant", second, sizeof second);
    bytes_option("signature", signature, sizeof signature);
    const char *refused = hub_take_claim(state, &claimed, signature, &grant, text, sizeof text);
    if (refused == NULL) {
        printf("%s\n", text);
    }
    return refused_or_done(refused);
}

static int run(hub_state_t *state)
{
    const hub_line_t line = {
        .host = option("host", NULL),
        .port = (int)number_option("port", NULL),
        .ca = option("ca", NULL),
        .backoff_base_ms = number_option("backoff-base-ms", "1000"),
        .backoff_cap_ms = number_option("backoff-cap-ms", "60000"),
        .stable_after_ms = number_option("stable-after-ms", "10000"),
        .telemetry_every_ms = number_option("telemetry-every-ms", "0"),
    };
    return hub_run(state, &line);
}

static int with_door(hub_state_t *state, const char *command)
{
    static hub_answer_t answer;
    const hub_door_t door = {state, option("url", NULL), option("ca", NULL)};
    if (strcmp(command, "owner-key") == 0) {
        return said(hub_tell_owner_key(&door, &answer), &answer);
    }
    if (strcmp(command, "consent") == 0) {
        return said(hub_tell_consent(state, &door, capabilities(option("on", NULL)), &answer), &answer);
    }
    if (strcmp(command, "peers") == 0) {
        return said(hub_tell_peers(state, &door, &answer), &answer);
    }
    uint8_t root[ORA_KEY_BYTES];
    /* What is for everybody is served by the app listener. */
    const hub_door_t public_door = {state, option("app-url", NULL), door.ca};
    bytes_option("portal-root", root, sizeof root);
    if (!hub_fetch_portal_keys(state, &public_door, root, &answer)) {
        fprintf(stderr, "NO_PORTAL_KEY: %s\n", answer.text);
        return 1;
    }
    const char *refused = hub_fetch_handover(state, &door, &answer);
    return refused_or_done(refused);
}

static int act(hub_state_t *state, const char *command)
{
    static const char *const by_door[] = {"owner-key", "consent", "peers", "handover"};
    static const struct {
        const char *name;
        int (*act)(hub_state_t *state);
    } own[] = {{"pair", pair}, {"bind", bind_hub}, {"learn", learn}, {"notice", notice}, {"claim", claim}, {"run", run}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(command, own[i].name) == 0) {
            return own[i].act(state);
        }
    }
    if (strcmp(command, "key") == 0) {
        bytes_option("auth", state->lock_auth_key, ORA_KEY_BYTES);
        return !hub_save(state);
    }
    for (size_t i = 0; i < sizeof by_door / sizeof *by_door; i++) {
        if (strcmp(command, by_door[i]) == 0) {
            return with_door(state, command);
        }
    }
    fprintf(stderr, "%s", USAGE);
    return 2;
}

int main(int count, char **values)
{
    static hub_state_t state;
    argument_count = count;
    arguments = values;
    if (count < 2) {
        fprintf(stderr, "%s", USAGE);
        return 2;
    }
    const char *folder = option("dir", NULL);
    if (strcmp(values[1], "init") == 0) {
        return !hub_create(&state, folder, option("hub", NULL));
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int code = hub_load(&state, folder) ? act(&state, values[1]) : 1;
    curl_global_cleanup();
    ora_port_wipe(&state, sizeof state);
    return code;
}
