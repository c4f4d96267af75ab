#define _POSIX_C_SOURCE 200809L
#include "hub_said.h"

#include <mqtt_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

said_t read_said(int code, const mosquitto_property *properties)
{
    said_t said = {.code = code};
    char *name = NULL, *value = NULL;
    const mosquitto_property *at =
        mosquitto_property_read_string(properties, MQTT_PROP_REASON_STRING, &value, false);
    if (at != NULL) {
        harmless(value, said.reason, sizeof said.reason);
        free(value);
    }
    at = mosquitto_property_read_string_pair(properties, MQTT_PROP_USER_PROPERTY, &name, &value, false);
    while (at != NULL) {
        if (strcmp(name, "retry-after-ms") == 0) {
            said.retry_after_ms = strtoull(value, NULL, 10);
        }
        free(name);
        free(value);
        at = mosquitto_property_read_string_pair(at, MQTT_PROP_USER_PROPERTY, &name, &value, true);
    }
    return said;
}

void tell_said(const char *hub, const char *event, const said_t *said, const char *more)
{
    char name[96], reason[80] = "null";
    if (said->reason[0] != 0) {
        snprintf(reason, sizeof reason, "\"%s\"", said->reason);
    }
    tell(hub, event, "%s\"code\": %d, \"name\": \"%s\", \"reason\": %s, \"retry_after_ms\": %llu", more,
         said->code, harmless(mosquitto_reason_string(said->code), name, sizeof name), reason,
         (unsigned long long)said->retry_after_ms);
}
