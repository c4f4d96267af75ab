/* Owns what a Hub does with an envelope: open it, know it again, answer it. It knows no MQTT. */
#ifndef HUB_TUNNEL_H
#define HUB_TUNNEL_H

#include "hub_state.h"

enum { HUB_REMEMBERED = 1024, HUB_ANSWER_TTL_MS = 30000 };

typedef struct {
    hub_state_t *state;
    uint8_t seen[HUB_REMEMBERED][ORA_ID_BYTES];
    size_t seen_count;
    uint64_t seq;
} hub_tunnel_t;

typedef enum {
    HUB_DROPPED,   /* it did not open: acknowledged, since the same bytes will not open the next time */
    HUB_DUPLICATE, /* taken before */
    HUB_TAKEN      /* opened for the first time; there may be an answer */
} hub_outcome_t;

/* Takes one envelope: opens it, notes its id, tells of it. `*size` is the length of the answer in `answer`; 0: none. */
hub_outcome_t hub_take(hub_tunnel_t *tunnel, ora_span_t encoded, uint8_t answer[ORA_ENVELOPE_BYTES(ORA_BUCKET_MAX)],
                       size_t *size, uint8_t answer_id[ORA_ID_BYTES]);

#endif
