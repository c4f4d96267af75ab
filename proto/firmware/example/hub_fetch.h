/* Owns a handover over the Hub's own door: fetch the portal's keys, the lock and the claim; bring the receipt. */
#ifndef HUB_FETCH_H
#define HUB_FETCH_H

#include "hub_handover.h"

/* Fetches the portal's keys, which are for everybody, and notes those that the root vouches for. */
bool hub_fetch_portal_keys(hub_state_t *state, const hub_door_t *door, const uint8_t root[ORA_KEY_BYTES],
                           hub_answer_t *answer);

/* Fetches the handover, checks it, and brings the receipt; again: the same receipt. Returns NULL, or why not. */
const char *hub_fetch_handover(hub_state_t *state, const hub_door_t *door, hub_answer_t *answer);

#endif
