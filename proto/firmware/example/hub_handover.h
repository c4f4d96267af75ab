/* Owns a Hub's part in a handover: it binds itself to a project, believes a lock and a claim, and signs the receipt.
 * Records come from an app on the local network, or over the Hub's own door (hub_fetch.h), and say the same from either.
 * No word of the cloud alone makes an owner: the claim is signed by the AccessKey that the installer's app named. */
#ifndef HUB_HANDOVER_H
#define HUB_HANDOVER_H

#include "hub_door.h"

enum { HUB_MAX_RECORD_JSON = 8 * 1024 };

/* Signs that the Hub joins a project; writes the record as JSON into `text`. The installer's app carries it. */
bool hub_bind(hub_state_t *state, const uint8_t project[ORA_ID_BYTES], const uint8_t nonce[32], char *text,
              size_t capacity);

/* Notes a key of the portal's if the root vouches for it, for handovers and now; a Hub is built with the root. */
void hub_learn_key(hub_state_t *state, const ora_common_v1_SignedRecord *record, const uint8_t root[ORA_KEY_BYTES]);

/* Locks; `state->lock_auth_key` is the one that the installer's app named. Returns NULL, or why not. */
const char *hub_take_notice(hub_state_t *state, const ora_common_v1_SignedRecord *notice);

/* Takes a new owner and writes the receipt as JSON into `text`; the same claim again: the same receipt.
 * `claimant_signature` is checked where it came along; NULL: it did not. Returns NULL, or why not. */
const char *hub_take_claim(hub_state_t *state, const ora_common_v1_SignedRecord *claim,
                           const uint8_t *claimant_signature, const ora_common_v1_SignedRecord *grant, char *text,
                           size_t capacity);

/* The receipt that was signed and is on its way, as JSON; false: there is none. And: it has arrived. */
bool hub_receipt(const hub_state_t *state, char *text, size_t capacity);
bool hub_receipt_taken(hub_state_t *state);

#endif
