#include "hub_tunnel.h"

#include <string.h>

static uint8_t work[ORA_ENVELOPE_WORK_BYTES(ORA_BUCKET_MAX)];
static uint8_t reply[ORA_RELAY_V1_SEALED_CONTENT_PAYLOAD_MAX];

static bool find_sender(void *context, const uint8_t peer_id[ORA_ID_BYTES], uint8_t public_key[ORA_KEY_BYTES])
{
    const hub_peer_t *peer = hub_peer((const hub_state_t *)context, peer_id);
    if (peer == NULL) {
        return false;
    }
    memcpy(public_key, peer->signing_public, ORA_KEY_BYTES);
    return true;
}

static ora_reason_t open_with(hub_state_t *state, ora_span_t encoded, ora_relay_v1_RouteHeader *header,
                              ora_span_t *payload)
{
    ora_receiver_t receiver = {.sender_kind = ora_relay_v1_SenderKind_SENDER_KIND_APP,
                               .keys = &state->sealing,
                               .key_count = 1,
                               .sender = find_sender,
                               .context = state};
    memcpy(receiver.hub_id, state->hub_id, ORA_ID_BYTES);
    return ora_envelope_open(encoded, &receiver, work, sizeof work, header, payload);
}

static bool was_seen(const hub_tunnel_t *tunnel, const uint8_t id[ORA_ID_BYTES])
{
    const size_t known = tunnel->seen_count < HUB_REMEMBERED ? tunnel->seen_count : HUB_REMEMBERED;
    for (size_t i = 0; i < known; i++) {
        if (memcmp(tunnel->seen[i], id, ORA_ID_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static void tell_taken(const hub_tunnel_t *tunnel, const ora_relay_v1_RouteHeader *header, ora_span_t payload)
{
    char id[33], peer[33], digest[65];
    uint8_t hash[ORA_HASH_BYTES] = {0};
    ora_port_sha256(&payload, 1, hash);
    hex_of(header->message_id, ORA_ID_BYTES, id);
    hex_of(header->peer_id, ORA_ID_BYTES, peer);
    hex_of(hash, sizeof hash, digest);
    tell(tunnel->state->name, "envelope",
         "\"message_id\": \"%s\", \"peer_id\": \"%s\", \"kind\": %d, \"payload_bytes\": %zu, \"payload_sha256\": \"%s\", "
         "\"version\": \"5.0\"",
         id, peer, (int)header->class_, payload.size, digest);
}

/* Answers `ping…` with `pong…`, and anything else with itself. */
static ora_span_t answer_to(ora_span_t payload)
{
    if (payload.size > 0) {
        memcpy(reply, payload.data, payload.size);
    }
    if (payload.size >= 4 && memcmp(reply, "ping", 4) == 0) {
        memcpy(reply, "pong", 4);
    }
    const ora_span_t made = {reply, payload.size};
    return made;
}

static size_t seal_answer(hub_tunnel_t *tunnel, const ora_relay_v1_RouteHeader *to, ora_span_t payload, uint8_t *out,
                          uint8_t id[ORA_ID_BYTES])
{
    const hub_peer_t *peer = hub_peer(tunnel->state, to->peer_id);
    ora_relay_v1_RouteHeader header = ora_relay_v1_RouteHeader_init_zero;
    size_t size;
    header.version = 1;
    header.created_ms = now_ms();
    if (peer == NULL || !ora_message_id(header.created_ms, header.message_id)) {
        return 0;
    }
    memcpy(id, header.message_id, ORA_ID_BYTES);
    memcpy(header.hub_id, tunnel->state->hub_id, ORA_ID_BYTES);
    memcpy(header.peer_id, to->peer_id, ORA_ID_BYTES);
    header.sender_kind = ora_relay_v1_SenderKind_SENDER_KIND_HUB;
    header.class_ = to->class_;
    header.ttl_ms = HUB_ANSWER_TTL_MS;
    header.key_epoch = peer->key_epoch;
    header.seq = ++tunnel->seq;
    const ora_reason_t reason = ora_envelope_seal(&header, payload, tunnel->state->identity_seed, peer->sealing_public,
                                                  work, sizeof work, out, ORA_ENVELOPE_BYTES(ORA_BUCKET_MAX), &size);
    if (reason != ORA_OK) {
        tell(tunnel->state->name, "answer_dropped", "\"reason\": \"%s\"", ora_reason_name(reason));
        return 0;
    }
    return size;
}

hub_outcome_t hub_take(hub_tunnel_t *tunnel, ora_span_t encoded, uint8_t answer[ORA_ENVELOPE_BYTES(ORA_BUCKET_MAX)],
                       size_t *size, uint8_t answer_id[ORA_ID_BYTES])
{
    ora_relay_v1_RouteHeader header;
    ora_span_t payload = {NULL, 0};
    *size = 0;
    /* Pairing, and a new owner, may have happened while the Hub was running. */
    hub_refresh(tunnel->state);
    const ora_reason_t reason = open_with(tunnel->state, encoded, &header, &payload);
    if (reason != ORA_OK) {
        tell(tunnel->state->name, "dropped", "\"reason\": \"%s\"", ora_reason_name(reason));
        return HUB_DROPPED;
    }
    if (was_seen(tunnel, header.message_id)) {
        char id[33];
        hex_of(header.message_id, ORA_ID_BYTES, id);
        tell(tunnel->state->name, "duplicate", "\"message_id\": \"%s\"", id);
        return HUB_DUPLICATE;
    }
    memcpy(tunnel->seen[tunnel->seen_count++ % HUB_REMEMBERED], header.message_id, ORA_ID_BYTES);
    tell_taken(tunnel, &header, payload);
    *size = seal_answer(tunnel, &header, answer_to(payload), answer, answer_id);
    return HUB_TAKEN;
}
