/* Owns HTTPS to the Hub listener, with the Hub's certificate: signed records go out as Protobuf's JSON, answers come
 * back as text. libcurl does the rest. */
#ifndef HUB_DOOR_H
#define HUB_DOOR_H

#include "hub_state.h"

enum { HUB_MAX_ANSWER = 64 * 1024 };

typedef struct {
    const hub_state_t *state;
    const char *url; /* the Hub listener's, without a slash at its end */
    const char *ca;  /* a file: whom the Hub believes as a server */
} hub_door_t;

typedef struct {
    long status; /* 0: nobody answered */
    char text[HUB_MAX_ANSWER];
} hub_answer_t;

/* Sends a request and waits for its answer; `body` NULL: GET. False: nobody answered. */
bool hub_call(const hub_door_t *door, const char *path, const char *body, hub_answer_t *answer);

/* Signs a statement and posts it at `/v1/hubs/{hub}/{path}`. */
bool hub_post_statement(const hub_door_t *door, const char *path, const ora_message_t *kind, const void *statement,
                        const uint8_t seed[ORA_KEY_BYTES], hub_answer_t *answer);

/* Writes a record as Protobuf's JSON; false: it does not fit. */
bool hub_record_json(const ora_common_v1_SignedRecord *record, char *text, size_t capacity);

/* Announces the owner key; states what the cloud may do, or who may talk to the Hub. The sequence is spent and written
 * down before the record goes out, so that a lost answer does no harm. */
bool hub_tell_owner_key(const hub_door_t *door, hub_answer_t *answer);
bool hub_tell_consent(hub_state_t *state, const hub_door_t *door, uint32_t capabilities, hub_answer_t *answer);
bool hub_tell_peers(hub_state_t *state, const hub_door_t *door, hub_answer_t *answer);

#endif
