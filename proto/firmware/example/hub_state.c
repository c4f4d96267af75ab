#define _POSIX_C_SOURCE 200809L
#include "hub_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fields of fixed bytes, and counters: one table for reading and writing. */
typedef struct {
    const char *name;
    size_t offset;
    size_t size;
} kept_t;

#define KEPT(field) {#field, offsetof(hub_state_t, field), sizeof(((hub_state_t *)0)->field)}

static const kept_t BYTES[] = {
    KEPT(hub_id),
    KEPT(identity_seed),
    KEPT(owner_seed),
    {"sealing_private", offsetof(hub_state_t, sealing.private_key), ORA_KEY_BYTES},
    KEPT(project_id),
    KEPT(lock_auth_key),
};
static const kept_t WIDE[] = {
    KEPT(owner_epoch), KEPT(consent_sequence), KEPT(peer_list_sequence), KEPT(lock_epoch), KEPT(receipted_epoch),
};
static const kept_t NARROW[] = {
    {"sealing_epoch", offsetof(hub_state_t, sealing.key_epoch), sizeof(uint32_t)},
    KEPT(capabilities),
    KEPT(lock_generation),
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

void hub_path(const hub_state_t *state, const char *name, char path[1024])
{
    snprintf(path, 1024, "%s/%s", state->folder, name);
}

static void write_peer(FILE *stream, const hub_peer_t *peer)
{
    char signing[65], sealing[65], digest[65];
    hex_of(peer->signing_public, ORA_KEY_BYTES, signing);
    hex_of(peer->sealing_public, ORA_KEY_BYTES, sealing);
    hex_of(peer->subject_digest, ORA_HASH_BYTES, digest);
    fprintf(stream, "peer=%s %s %" PRIu32 " %s %" PRIu64 "\n", signing, sealing, peer->key_epoch, digest,
            peer->not_after_seconds);
}

static bool read_peer(hub_state_t *state, const char *value)
{
    char signing[65], sealing[65], digest[65];
    hub_peer_t peer = {0};
    if (sscanf(value, "%64s %64s %" SCNu32 " %64s %" SCNu64, signing, sealing, &peer.key_epoch, digest,
               &peer.not_after_seconds) != 5) {
        return false;
    }
    return hex_to(signing, peer.signing_public, ORA_KEY_BYTES) && hex_to(sealing, peer.sealing_public, ORA_KEY_BYTES) &&
           hex_to(digest, peer.subject_digest, ORA_HASH_BYTES) && ora_peer_id(peer.signing_public, peer.peer_id) &&
           hub_pair(state, &peer);
}

static bool read_line(hub_state_t *state, const char *name, const char *value)
{
    uint8_t *base = (uint8_t *)state;
    if (strcmp(name, "peer") == 0) {
        return read_peer(state, value);
    }
    if (strcmp(name, "portal_key") == 0) {
        return state->portal_key_count < HUB_MAX_PORTAL_KEYS &&
               hex_to(value, state->portal_keys[state->portal_key_count++], ORA_KEY_BYTES);
    }
    for (size_t i = 0; i < COUNT(BYTES); i++) {
        if (strcmp(name, BYTES[i].name) == 0) {
            return hex_to(value, base + BYTES[i].offset, BYTES[i].size);
        }
    }
    const uint64_t number = strtoull(value, NULL, 10);
    for (size_t i = 0; i < COUNT(WIDE); i++) {
        if (strcmp(name, WIDE[i].name) == 0) {
            memcpy(base + WIDE[i].offset, &number, sizeof number);
            return true;
        }
    }
    const uint32_t narrow = (uint32_t)number;
    for (size_t i = 0; i < COUNT(NARROW); i++) {
        if (strcmp(name, NARROW[i].name) == 0) {
            memcpy(base + NARROW[i].offset, &narrow, sizeof narrow);
            return true;
        }
    }
    return true; /* a line of a later version */
}

bool hub_load(hub_state_t *state, const char *folder)
{
    char path[1024], line[1024];
    bool good = true;
    memset(state, 0, sizeof *state);
    snprintf(state->folder, sizeof state->folder, "%s", folder);
    hub_path(state, "hub.state", path);
    FILE *stream = fopen(path, "r");
    if (stream == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        return false;
    }
    while (good && fgets(line, sizeof line, stream) != NULL) {
        char *value = strchr(line, '=');
        line[strcspn(line, "\n")] = 0;
        if (value != NULL) {
            *value++ = 0;
            good = read_line(state, line, value);
        }
    }
    struct stat status;
    if (fstat(fileno(stream), &status) == 0) {
        state->written_s = status.st_mtim.tv_sec;
        state->written_ns = status.st_mtim.tv_nsec;
    }
    fclose(stream);
    state->sealing.suite = ORA_SUITE_SMALL;
    uuid_of(state->hub_id, state->name);
    ora_port_wipe(line, sizeof line);
    if (!good) {
        fprintf(stderr, "%s is no Hub's state\n", path);
    }
    return good;
}

void hub_refresh(hub_state_t *state)
{
    static hub_state_t fresh;
    struct stat status;
    char path[1024];
    hub_path(state, "hub.state", path);
    if (stat(path, &status) == 0 &&
        (status.st_mtim.tv_sec != state->written_s || status.st_mtim.tv_nsec != state->written_ns) &&
        hub_load(&fresh, state->folder)) {
        *state = fresh;
    }
}

static void write_state(const hub_state_t *state, FILE *stream)
{
    const uint8_t *base = (const uint8_t *)state;
    char text[2 * ORA_KEY_BYTES + 1];
    for (size_t i = 0; i < COUNT(BYTES); i++) {
        hex_of(base + BYTES[i].offset, BYTES[i].size, text);
        fprintf(stream, "%s=%s\n", BYTES[i].name, text);
        ora_port_wipe(text, sizeof text);
    }
    for (size_t i = 0; i < COUNT(WIDE); i++) {
        uint64_t number;
        memcpy(&number, base + WIDE[i].offset, sizeof number);
        fprintf(stream, "%s=%" PRIu64 "\n", WIDE[i].name, number);
    }
    for (size_t i = 0; i < COUNT(NARROW); i++) {
        uint32_t number;
        memcpy(&number, base + NARROW[i].offset, sizeof number);
        fprintf(stream, "%s=%" PRIu32 "\n", NARROW[i].name, number);
    }
    for (size_t i = 0; i < state->portal_key_count; i++) {
        hex_of(state->portal_keys[i], ORA_KEY_BYTES, text);
        fprintf(stream, "portal_key=%s\n", text);
    }
    for (size_t i = 0; i < state->peer_count; i++) {
        write_peer(stream, &state->peers[i]);
    }
}

bool hub_save(const hub_state_t *state)
{
    char path[1024], made[1024];
    hub_path(state, "hub.state", path);
    hub_path(state, "hub.state.new", made);
    const int file = open(made, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    FILE *stream = file >= 0 ? fdopen(file, "w") : NULL;
    if (stream == NULL) {
        return false;
    }
    write_state(state, stream);
    const bool written = fflush(stream) == 0 && fsync(file) == 0;
    return fclose(stream) == 0 && written && rename(made, path) == 0;
}

const hub_peer_t *hub_peer(const hub_state_t *state, const uint8_t peer_id[ORA_ID_BYTES])
{
    for (size_t i = 0; i < state->peer_count; i++) {
        if (memcmp(state->peers[i].peer_id, peer_id, ORA_ID_BYTES) == 0) {
            return &state->peers[i];
        }
    }
    return NULL;
}

bool hub_pair(hub_state_t *state, const hub_peer_t *peer)
{
    for (size_t i = 0; i < state->peer_count; i++) {
        if (memcmp(state->peers[i].peer_id, peer->peer_id, ORA_ID_BYTES) == 0) {
            state->peers[i] = *peer;
            return true;
        }
    }
    if (state->peer_count == HUB_MAX_PEERS) {
        return false;
    }
    state->peers[state->peer_count++] = *peer;
    return true;
}

bool hub_new_owner(hub_state_t *state)
{
    if (!ora_port_random(state->owner_seed, ORA_KEY_BYTES)) {
        return false;
    }
    state->owner_epoch++;
    state->consent_sequence = state->peer_list_sequence = 0;
    state->capabilities = 0;
    state->peer_count = 0;
    return true;
}

/* What the Hub shows at pairing, in the form of the SDK's key files. */
static bool write_public(const hub_state_t *state)
{
    uint8_t identity[ORA_KEY_BYTES], sealing[ORA_KEY_BYTES];
    char id[33], identity_text[65], sealing_text[65], path[1024];
    if (!ora_port_sign_public(state->identity_seed, identity) ||
        !ora_port_x25519_public(state->sealing.private_key, sealing)) {
        return false;
    }
    hex_of(state->hub_id, ORA_ID_BYTES, id);
    hex_of(identity, sizeof identity, identity_text);
    hex_of(sealing, sizeof sealing, sealing_text);
    hub_path(state, "public.json", path);
    FILE *stream = fopen(path, "w");
    if (stream == NULL) {
        return false;
    }
    fprintf(stream,
            "{\"hub_id\": \"%s\", \"identity_public\": \"%s\", \"suite\": %d, \"sealing_public\": \"%s\", "
            "\"key_epoch\": %" PRIu32 "}\n",
            id, identity_text, ORA_SUITE_SMALL, sealing_text, state->sealing.key_epoch);
    return fclose(stream) == 0;
}

bool hub_create(hub_state_t *state, const char *folder, const char *hub)
{
    memset(state, 0, sizeof *state);
    snprintf(state->folder, sizeof state->folder, "%s", folder);
    snprintf(state->name, sizeof state->name, "%s", hub);
    state->owner_epoch = state->sealing.key_epoch = 1;
    state->sealing.suite = ORA_SUITE_SMALL;
    return uuid_to(hub, state->hub_id) && ora_port_random(state->identity_seed, ORA_KEY_BYTES) &&
           ora_port_random(state->owner_seed, ORA_KEY_BYTES) &&
           ora_port_random(state->sealing.private_key, ORA_KEY_BYTES) && hub_make_tls(state) && write_public(state) &&
           hub_save(state);
}
