/* Owns what a server said in a CONNACK, SUBACK, PUBACK or DISCONNECT: reading it, and telling of it. */
#ifndef HUB_SAID_H
#define HUB_SAID_H

#include <mosquitto.h>

#include "hub_text.h"

/* MQTT's code, our named reason, its advice when to come back. */
typedef struct {
    int code;
    char reason[64];
    uint64_t retry_after_ms;
} said_t;

said_t read_said(int code, const mosquitto_property *properties);

/* Tells an event with what was said in it; `more` are further facts, each followed by a comma and a space. */
void tell_said(const char *hub, const char *event, const said_t *said, const char *more);

#endif
