/* Owns the line to the relay: libmosquitto over mutual TLS 1.3, MQTT 5.0, and when to connect again. */
#ifndef HUB_LINK_H
#define HUB_LINK_H

#include "hub_state.h"

typedef struct {
    const char *host;
    int port;
    const char *ca;             /* a file: whom the Hub believes as a server */
    uint64_t backoff_base_ms;   /* full jitter: between 0 and base·2^failures, at most the cap */
    uint64_t backoff_cap_ms;
    uint64_t stable_after_ms;   /* a connection that held so long starts the back-off again */
    uint64_t telemetry_every_ms; /* 0: the Hub reports nothing of its health */
} hub_line_t;

/* Connects, serves, waits, connects again, until SIGTERM or SIGINT. Returns the exit code. */
int hub_run(hub_state_t *state, const hub_line_t *line);

#endif
