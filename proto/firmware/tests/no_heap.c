/* Decodes, checks and encodes one of each message that holds a span, a list, or arrays of messages, with the heap cut
 * off. It links neither OpenSSL nor the crypto: those are the port's business. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ora_contract.h"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *old);

static void heap(void)
{
    static const char said[] = "the heap was called\n";
    fwrite(said, 1, sizeof said - 1, stderr);
    abort();
}

void *__wrap_malloc(size_t size)
{
    (void)size;
    heap();
    return NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    (void)count;
    (void)size;
    heap();
    return NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    (void)old;
    (void)size;
    heap();
    return NULL;
}

void __wrap_free(void *old)
{
    (void)old;
    heap();
}

static uint8_t buffer[8192];

static bool goes_round(const ora_message_t *kind, const void *message)
{
    static ora_any_t seen;
    size_t size;
    return ora_encode(kind, message, buffer, sizeof buffer, &size) && ora_decode(kind, buffer, size, &seen);
}

static bool write_nodes(pb_ostream_t *stream, const pb_field_t *field, void *context)
{
    ora_backup_v1_Node *node = (ora_backup_v1_Node *)context;
    for (node->ordinal = 1; node->ordinal <= 8; node->ordinal++) {
        if (!ora_list_write(stream, field, node)) {
            return false;
        }
    }
    return true;
}

int main(void)
{
    static const uint8_t bytes[300] = {1};
    static ora_relay_v1_Envelope envelope;
    static ora_fleet_v1_PeerListStatement peers;
    static ora_ingest_v1_TelemetryBatch telemetry;
    static ora_backup_v1_Layout layout;
    static ora_backup_v1_Node node;

    envelope.route_header.size = 3;
    envelope.sealed.data = bytes;
    envelope.sealed.size = sizeof bytes;
    memcpy(peers.hub_id, bytes, sizeof peers.hub_id);
    peers.owner_epoch = peers.sequence = 1;
    peers.peers_count = 32;
    for (unsigned i = 0; i < 32; i++) {
        memcpy(peers.peers[i].peer_id, bytes, sizeof peers.peers[i].peer_id);
        memcpy(peers.peers[i].subject_digest, bytes, sizeof peers.peers[i].subject_digest);
    }
    telemetry.samples_count = 64;
    for (unsigned i = 0; i < 64; i++) {
        telemetry.samples[i].sample_seconds = i + 1;
    }
    layout.format_version = 1;
    layout.nodes.source = write_nodes;
    layout.nodes.context = &node;
    const bool done = goes_round(ORA_RELAY_V1_ENVELOPE, &envelope) &&
                      goes_round(ORA_FLEET_V1_PEER_LIST_STATEMENT, &peers) &&
                      goes_round(ORA_INGEST_V1_TELEMETRY_BATCH, &telemetry) &&
                      goes_round(ORA_BACKUP_V1_LAYOUT, &layout);
    const char *said = done ? "no heap\n" : "a message did not go round\n";
    fwrite(said, 1, strlen(said), stderr);
    return !done;
}
