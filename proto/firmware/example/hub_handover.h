/* Owns a Hub's part in a handover: it binds itself to a project, believes a lock and a claim, and signs the receipt.
 * No word of the cloud alone makes an owner: the claim is signed by the AccessKey that the installer's app named. */
#ifndef HUB_HANDOVER_H
#define HUB_HANDOVER_H

#include "hub_door.h"

/* Signs that the Hub joins a project; writes the record as JSON into `text`. The installer's app carries it. */
bool hub_bind(hub_state_t *state, const uint8_t project[ORA_ID_BYTES], const uint8_t nonce[32], char *text,
              size_t capacity);

/* Fetches the portal's keys and gives the one for handovers that the root vouches for now; a Hub is built with the
 * root's public half. False: there is none. */
bool hub_portal_key(const hub_door_t *door, const uint8_t root[ORA_KEY_BYTES], uint8_t portal_key[ORA_KEY_BYTES],
                    hub_answer_t *answer);

/* Fetches the handover, checks it, and brings the receipt; again: the same receipt. Returns NULL, or why not. */
const char *hub_hand_over(hub_state_t *state, const hub_door_t *door, const uint8_t portal_key[ORA_KEY_BYTES],
                          hub_answer_t *answer);

#endif
