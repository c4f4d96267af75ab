#define _DEFAULT_SOURCE
#include "hub_link.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hub_health.h"
#include "hub_said.h"
#include "hub_tunnel.h"

enum {
    KEEPALIVE_S = 60,
    RECEIVE_MAXIMUM = 32,
    MAXIMUM_PACKET_BYTES = 66 * 1024,
    FAILURE_CODE = 0x80,
    SESSION_TAKEN_OVER = 0x8E,
    WRONG_FOR_GOOD = 0x99, /* payload format invalid: the same bytes would be dropped again */
    PENDING = 64,
    TURN_MS = 200
};

typedef struct {
    int mid;
    uint8_t id[ORA_ID_BYTES];
} pending_t;

typedef struct {
    hub_state_t *state;
    const hub_line_t *line;
    hub_tunnel_t tunnel;
    struct mosquitto *client;
    char up[80], down[80], telemetry[80];
    pending_t pending[PENDING];
    unsigned pending_next;
    int report_mid;
    uint64_t connected_at, report_at;
    bool refused, ended;
    said_t said;
    ora_ingest_v1_TelemetryBatch batch;
    unsigned failures;
} link_t;

static volatile sig_atomic_t stopping;

static void stop(int number)
{
    (void)number;
    stopping = 1;
}

static void on_connect(struct mosquitto *client, void *context, int code, int flags, const mosquitto_property *properties)
{
    link_t *link = (link_t *)context;
    (void)flags;
    link->said = read_said(code, properties);
    if (code >= FAILURE_CODE) {
        link->refused = true;
        return;
    }
    mosquitto_subscribe_v5(client, NULL, link->down, 1, 0, NULL);
}

static void on_subscribe(struct mosquitto *client, void *context, int mid, int count, const int *granted,
                         const mosquitto_property *properties)
{
    link_t *link = (link_t *)context;
    (void)mid;
    if (count == 1 && granted[0] < FAILURE_CODE) {
        link->connected_at = now_ms();
        tell(link->state->name, "connected", "\"version\": \"5.0\"");
        return;
    }
    link->said = read_said(count == 1 ? granted[0] : FAILURE_CODE, properties);
    link->refused = true;
    mosquitto_disconnect(client);
}

static void on_disconnect(struct mosquitto *client, void *context, int code, const mosquitto_property *properties)
{
    link_t *link = (link_t *)context;
    (void)client;
    link->ended = true;
    if (!link->refused) {
        link->said = read_said(code, properties);
    }
}

/* libmosquitto has queued the PUBACK already, and writes nothing while this runs (mosquitto_threaded_set): what is
 * told here is told before the server hears of it. */
static void on_message(struct mosquitto *client, void *context, const struct mosquitto_message *message,
                       const mosquitto_property *properties)
{
    static uint8_t answer[ORA_ENVELOPE_BYTES(ORA_BUCKET_MAX)];
    link_t *link = (link_t *)context;
    const ora_span_t encoded = {(const uint8_t *)message->payload, (size_t)message->payloadlen};
    pending_t *pending = &link->pending[link->pending_next % PENDING];
    size_t size;
    (void)properties;
    hub_take(&link->tunnel, encoded, answer, &size, pending->id);
    if (size > 0 && mosquitto_publish_v5(client, &pending->mid, link->up, (int)size, answer, 1, false, NULL) ==
                        MOSQ_ERR_SUCCESS) {
        link->pending_next++;
    }
}

static void on_publish(struct mosquitto *client, void *context, int mid, int code, const mosquitto_property *properties)
{
    link_t *link = (link_t *)context;
    const said_t said = read_said(code, properties);
    (void)client;
    if (mid == link->report_mid) {
        link->report_mid = 0;
        if (code < FAILURE_CODE || code == WRONG_FOR_GOOD) {
            link->batch.samples_count = 0;
        }
        tell_said(link->state->name, "reported", &said, "");
        return;
    }
    for (unsigned i = 0; i < PENDING; i++) {
        if (link->pending[i].mid == mid) {
            char more[64] = "\"message_id\": \"", id[33];
            hex_of(link->pending[i].id, ORA_ID_BYTES, id);
            strcat(more, id);
            strcat(more, "\", ");
            tell_said(link->state->name, code < FAILURE_CODE ? "answer_sent" : "answer_refused", &said, more);
            link->pending[i].mid = 0;
            return;
        }
    }
}

/* Reports the Hub's health while its owner has TELEMETRY on. */
static void report(link_t *link)
{
    static uint8_t encoded[4096];
    size_t size;
    if (link->line->telemetry_every_ms == 0 || now_ms() < link->report_at) {
        return;
    }
    hub_refresh(link->state);
    link->report_at = now_ms() + link->line->telemetry_every_ms;
    if ((link->state->capabilities >> ora_common_v1_Capability_CAPABILITY_TELEMETRY & 1u) == 0) {
        link->batch.samples_count = 0;
        return;
    }
    hub_measure(&link->batch);
    if (link->report_mid == 0 && link->connected_at != 0 &&
        ora_encode(ORA_INGEST_V1_TELEMETRY_BATCH, &link->batch, encoded, sizeof encoded, &size)) {
        mosquitto_publish_v5(link->client, &link->report_mid, link->telemetry, (int)size, encoded, 1, false, NULL);
    }
}

static struct mosquitto *make_client(link_t *link)
{
    char certificate[1024], key[1024];
    struct mosquitto *client = mosquitto_new(link->state->name, true, link);
    if (client == NULL) {
        return NULL;
    }
    hub_path(link->state, "tls.crt", certificate);
    hub_path(link->state, "tls.key", key);
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
    mosquitto_int_option(client, MOSQ_OPT_RECEIVE_MAXIMUM, RECEIVE_MAXIMUM);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_threaded_set(client, true);
    mosquitto_connect_v5_callback_set(client, on_connect);
    mosquitto_subscribe_v5_callback_set(client, on_subscribe);
    mosquitto_disconnect_v5_callback_set(client, on_disconnect);
    mosquitto_message_v5_callback_set(client, on_message);
    mosquitto_publish_v5_callback_set(client, on_publish);
    if (mosquitto_tls_set(client, link->line->ca, NULL, certificate, key, NULL) != MOSQ_ERR_SUCCESS ||
        mosquitto_tls_opts_set(client, 1, "tlsv1.3", NULL) != MOSQ_ERR_SUCCESS) {
        mosquitto_destroy(client);
        return NULL;
    }
    return client;
}

static int dial(link_t *link)
{
    static bool dialled;
    mosquitto_property *properties = NULL;
    link->refused = link->ended = false;
    link->connected_at = 0;
    link->report_mid = 0;
    memset(&link->said, 0, sizeof link->said);
    if (dialled) {
        return mosquitto_reconnect(link->client); /* what has no PUBACK yet is sent again */
    }
    dialled = true;
    mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, MAXIMUM_PACKET_BYTES);
    const int code = mosquitto_connect_bind_v5(link->client, link->line->host, link->line->port, KEEPALIVE_S, NULL,
                                               properties);
    mosquitto_property_free_all(&properties);
    return code;
}

/* Serves one connection to its end. */
static void serve(link_t *link)
{
    while (!link->ended && !link->refused) {
        struct pollfd watched = {.fd = mosquitto_socket(link->client), .events = POLLIN};
        if (watched.fd < 0) {
            return;
        }
        if (stopping) {
            mosquitto_disconnect(link->client);
            mosquitto_loop_write(link->client, 1);
            return;
        }
        watched.events |= mosquitto_want_write(link->client) ? POLLOUT : 0;
        if (poll(&watched, 1, TURN_MS) < 0) {
            continue; /* a signal */
        }
        if ((watched.revents & (POLLIN | POLLHUP | POLLERR)) != 0 &&
            mosquitto_loop_read(link->client, 1) != MOSQ_ERR_SUCCESS) {
            return;
        }
        report(link);
        if (mosquitto_want_write(link->client) && mosquitto_loop_write(link->client, 1) != MOSQ_ERR_SUCCESS) {
            return;
        }
        if (mosquitto_loop_misc(link->client) != MOSQ_ERR_SUCCESS) {
            return;
        }
    }
}

static uint64_t uniform(uint64_t low, uint64_t high)
{
    uint64_t value = 0;
    ora_port_random((uint8_t *)&value, sizeof value);
    return high > low ? low + value % (high - low) : low;
}

/* How long to wait before the next attempt; never less than the server asked for. */
static uint64_t delay(link_t *link)
{
    const hub_line_t *line = link->line;
    if (link->said.code == SESSION_TAKEN_OVER) {
        /* Another has this Hub's certificate: do not fight over the session. */
        return uniform(line->backoff_cap_ms / 2, line->backoff_cap_ms);
    }
    uint64_t ceiling = line->backoff_base_ms;
    for (unsigned i = 0; i < link->failures && ceiling < line->backoff_cap_ms; i++) {
        ceiling *= 2;
    }
    link->failures++;
    return link->said.retry_after_ms + uniform(0, ceiling < line->backoff_cap_ms ? ceiling : line->backoff_cap_ms);
}

static void wait_for(link_t *link, uint64_t milliseconds)
{
    const uint64_t until = now_ms() + milliseconds;
    tell(link->state->name, "waiting", "\"delay_ms\": %llu", (unsigned long long)milliseconds);
    while (!stopping && now_ms() < until) {
        const uint64_t left = until - now_ms();
        usleep((useconds_t)(left < TURN_MS ? left : TURN_MS) * 1000u);
    }
}

static void one_connection(link_t *link)
{
    const int code = dial(link);
    if (code != MOSQ_ERR_SUCCESS) {
        char text[96];
        tell(link->state->name, "unreachable", "\"error\": \"%s\"",
             harmless(mosquitto_strerror(code), text, sizeof text));
        return;
    }
    serve(link);
    if (link->refused) {
        tell_said(link->state->name, "refused", &link->said, "");
        mosquitto_disconnect(link->client);
    } else if (link->connected_at == 0) {
        /* TLS 1.3 tells a client that its certificate is refused only here. */
        tell(link->state->name, "unreachable", "\"error\": \"the server hung up before its CONNACK\"");
    } else {
        const bool from_server = link->said.code >= FAILURE_CODE;
        tell_said(link->state->name, "disconnected", &link->said, from_server ? "\"from_server\": true, " : "\"from_server\": false, ");
        if (now_ms() - link->connected_at >= link->line->stable_after_ms) {
            link->failures = 0;
        }
    }
}

int hub_run(hub_state_t *state, const hub_line_t *line)
{
    static link_t link;
    const struct sigaction action = {.sa_handler = stop};
    link.state = link.tunnel.state = state;
    link.line = line;
    snprintf(link.up, sizeof link.up, "ora/v1/h/%s/up", state->name);
    snprintf(link.down, sizeof link.down, "ora/v1/h/%s/down", state->name);
    snprintf(link.telemetry, sizeof link.telemetry, "ora/v1/h/%s/telemetry", state->name);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    mosquitto_lib_init();
    link.client = make_client(&link);
    if (link.client == NULL) {
        fprintf(stderr, "no client: are tls.crt and tls.key there, and the CA file?\n");
        return 1;
    }
    while (!stopping) {
        one_connection(&link);
        if (!stopping) {
            wait_for(&link, delay(&link));
        }
    }
    mosquitto_destroy(link.client);
    mosquitto_lib_cleanup();
    return 0;
}
