/* Owns what a Hub keeps over a loss of power: keys, counters, peers, its place in a handover. One file of `name=value`
 * lines, written whole or not at all. A product keeps the private keys in its secure element instead. */
#ifndef HUB_STATE_H
#define HUB_STATE_H

#include "hub_text.h"
#include "ora_envelope.h"

enum { HUB_MAX_PEERS = ORA_FLEET_V1_PEER_LIST_STATEMENT_PEERS_COUNT_MAX, HUB_MAX_PORTAL_KEYS = 4 };

typedef struct {
    uint8_t peer_id[ORA_ID_BYTES];
    uint8_t signing_public[ORA_KEY_BYTES];
    uint8_t sealing_public[ORA_KEY_BYTES]; /* suite 1 */
    uint32_t key_epoch;
    uint8_t subject_digest[ORA_HASH_BYTES];
    uint64_t not_after_seconds;
} hub_peer_t;

typedef struct {
    uint8_t hub_id[ORA_ID_BYTES];
    uint8_t identity_seed[ORA_KEY_BYTES];
    uint8_t owner_seed[ORA_KEY_BYTES];
    uint64_t owner_epoch;
    ora_sealing_key_t sealing;
    uint64_t consent_sequence;
    uint64_t peer_list_sequence;
    uint32_t capabilities; /* bit n: capability n is on */
    uint8_t project_id[ORA_ID_BYTES]; /* all zero: bound to none */
    uint64_t lock_epoch;              /* the highest that was seen */
    uint32_t lock_generation;
    uint8_t lock_auth_key[ORA_KEY_BYTES]; /* whom the installer's app named on the local network */
    uint64_t receipted_epoch;             /* the lock epoch that ended with a receipt of this Hub */
    uint8_t portal_keys[HUB_MAX_PORTAL_KEYS][ORA_KEY_BYTES]; /* for handovers; the portal root vouches for them */
    size_t portal_key_count;
    hub_peer_t peers[HUB_MAX_PEERS];
    size_t peer_count;
    /* Not kept: where it lies, when it was written, and the Hub's name as text. */
    char folder[768];
    int64_t written_s;
    long written_ns;
    char name[HUB_NAME_BYTES];
} hub_state_t;

/* Makes a factory-fresh Hub in an existing folder: keys, `tls.key`, `tls.csr`, `public.json`. */
bool hub_create(hub_state_t *state, const char *folder, const char *hub);
bool hub_load(hub_state_t *state, const char *folder);
bool hub_save(const hub_state_t *state);

/* Reads the state again if another process has written it since: an app was paired, or an owner has left. */
void hub_refresh(hub_state_t *state);

/* Makes `tls.key` and `tls.csr` (hub_tls.c). */
bool hub_make_tls(const hub_state_t *state);

/* Writes `{folder}/{name}` into `path`. */
void hub_path(const hub_state_t *state, const char *name, char path[1024]);

const hub_peer_t *hub_peer(const hub_state_t *state, const uint8_t peer_id[ORA_ID_BYTES]);

/* Adds an app session, or renews it; false: there is room for no more. */
bool hub_pair(hub_state_t *state, const hub_peer_t *peer);

/* A new owner: a new owner key and epoch, nobody paired, everything off. */
bool hub_new_owner(hub_state_t *state);

#endif
