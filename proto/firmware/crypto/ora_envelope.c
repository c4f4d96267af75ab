#include "ora_envelope.h"

#include <pb_encode.h>
#include <string.h>

static const uint8_t INFO[] = {'o', 'r', 'a', ' ', 'e', 'n', 'v', 'e', 'l', 'o', 'p', 'e', ' ', 'v', '1'};
static const char SENDER_CONTEXT[] = "ora envelope sender v1"; /* its terminator is the zero byte */

enum {
    HEADER_VERSION = 1,
    PADDING_BEGINS = 0x80,
    MESSAGE_BEFORE = sizeof SENDER_CONTEXT + ORA_HASH_BYTES, /* what is signed before the payload */
    SIGNATURE_FIELD = 2 + ORA_SIGNATURE_BYTES
};

static const ora_span_t INFO_SPAN = {INFO, sizeof INFO};

/* Writes `context ‖ 0x00 ‖ SHA-256(route_header)`. */
static bool message_begins(ora_span_t route_header, uint8_t *work)
{
    memcpy(work, SENDER_CONTEXT, sizeof SENDER_CONTEXT);
    return ora_port_sha256(&route_header, 1, work + sizeof SENDER_CONTEXT);
}

static const ora_sealing_key_t *key_of(const ora_receiver_t *receiver, uint32_t epoch)
{
    for (size_t i = 0; i < receiver->key_count; i++) {
        if (receiver->keys[i].key_epoch == epoch) {
            return &receiver->keys[i];
        }
    }
    return NULL;
}

/* Takes the padding off; false where it is not 0x80 and zeros. */
static bool unpad(const uint8_t *text, size_t *size)
{
    while (*size > 0 && text[*size - 1] == 0) {
        (*size)--;
    }
    if (*size == 0 || text[*size - 1] != PADDING_BEGINS) {
        return false;
    }
    (*size)--;
    return true;
}

/* Opens `sealed` into `text`; `*size` is the content without its padding. */
static ora_reason_t open_sealed(const ora_sealing_key_t *key, ora_span_t route_header, ora_span_t sealed,
                                uint32_t bucket, uint8_t *text, size_t room, size_t *size)
{
    if (sealed.size == 0) {
        return ORA_MALFORMED;
    }
    if (sealed.data[0] != ORA_SUITE_SMALL) {
        return ORA_SUITE_UNKNOWN;
    }
    if (key->suite != ORA_SUITE_SMALL) {
        return ORA_WRONG_KEY;
    }
    if (sealed.size <= ORA_SEAL_OVERHEAD) {
        return ORA_MALFORMED;
    }
    *size = sealed.size - ORA_SEAL_OVERHEAD;
    if (*size > room) {
        return ORA_PAYLOAD_TOO_LARGE;
    }
    const uint8_t *enc = sealed.data + 1;
    memcpy(text, enc + ORA_HPKE_ENC_BYTES, *size);
    if (!ora_hpke_open(key->private_key, enc, INFO_SPAN, route_header, text, *size, enc + ORA_HPKE_ENC_BYTES + *size)) {
        return ORA_TAMPERED;
    }
    if (bucket > ORA_BUCKET_MAX || sealed.size != ORA_SEALED_BYTES(bucket) || !unpad(text, size)) {
        return ORA_BAD_PADDING;
    }
    return ORA_OK;
}

/* Reads the content and checks who said it. The payload moves to stand behind what was signed before it. */
static ora_reason_t check_sender(const uint8_t sender[ORA_KEY_BYTES], ora_span_t route_header, uint8_t *work,
                                 size_t size, ora_span_t *payload)
{
    ora_relay_v1_SealedContent content;
    if (!ora_decode_unchecked(ORA_RELAY_V1_SEALED_CONTENT, work + MESSAGE_BEFORE, size, &content)) {
        return ORA_MALFORMED;
    }
    if (content.payload.size > 0) {
        memmove(work + MESSAGE_BEFORE, content.payload.data, content.payload.size);
    }
    const ora_span_t message = {work, MESSAGE_BEFORE + content.payload.size};
    if (!message_begins(route_header, work)) {
        return ORA_NOT_DONE;
    }
    payload->data = work + MESSAGE_BEFORE;
    payload->size = content.payload.size;
    return ora_port_verify(sender, message, content.signature) ? ORA_OK : ORA_SENDER_SIGNATURE;
}

ora_reason_t ora_envelope_open(ora_span_t encoded, const ora_receiver_t *receiver, uint8_t *work, size_t work_size,
                               ora_relay_v1_RouteHeader *header, ora_span_t *payload)
{
    ora_relay_v1_Envelope envelope;
    uint8_t sender[ORA_KEY_BYTES];
    size_t size = 0;

    if (!ora_decode_unchecked(ORA_RELAY_V1_ENVELOPE, encoded.data, encoded.size, &envelope)) {
        return ORA_MALFORMED;
    }
    const ora_span_t route_header = {envelope.route_header.bytes, envelope.route_header.size};
    if (!ora_decode_unchecked(ORA_RELAY_V1_ROUTE_HEADER, route_header.data, route_header.size, header)) {
        return ORA_MALFORMED;
    }
    if (header->version != HEADER_VERSION || memcmp(header->hub_id, receiver->hub_id, ORA_ID_BYTES) != 0 ||
        header->sender_kind != receiver->sender_kind) {
        return ORA_WRONG_HEADER;
    }
    if (!ora_check(ORA_RELAY_V1_ROUTE_HEADER, header)) {
        return ORA_MALFORMED;
    }
    if (!receiver->sender(receiver->context, header->peer_id, sender)) {
        return ORA_SENDER_UNKNOWN;
    }
    const ora_sealing_key_t *key = key_of(receiver, header->key_epoch);
    if (key == NULL) {
        return ORA_WRONG_KEY;
    }
    if (work_size < MESSAGE_BEFORE) {
        return ORA_PAYLOAD_TOO_LARGE;
    }
    const ora_reason_t reason = open_sealed(key, route_header, envelope.sealed, header->pad_bucket,
                                            work + MESSAGE_BEFORE, work_size - MESSAGE_BEFORE, &size);
    return reason == ORA_OK ? check_sender(sender, route_header, work, size, payload) : reason;
}

/* The bytes of a length as a varint. */
static size_t varint_bytes(size_t value)
{
    size_t bytes = 1;
    while (value >= 0x80) {
        value >>= 7;
        bytes++;
    }
    return bytes;
}

static size_t content_bytes(size_t payload)
{
    return SIGNATURE_FIELD + (payload > 0 ? 1 + varint_bytes(payload) + payload : 0);
}

/* Writes the content and its padding to `text`, which is `room` long. */
static bool pad_content(ora_span_t payload, const uint8_t signature[ORA_SIGNATURE_BYTES], uint8_t *text, size_t room)
{
    ora_relay_v1_SealedContent content = ora_relay_v1_SealedContent_init_zero;
    size_t size;
    content.payload = payload;
    memcpy(content.signature, signature, ORA_SIGNATURE_BYTES);
    if (!ora_encode(ORA_RELAY_V1_SEALED_CONTENT, &content, text, room, &size) || size >= room) {
        return false;
    }
    text[size] = PADDING_BEGINS;
    memset(text + size + 1, 0, room - size - 1);
    return true;
}

/* Writes the Envelope but for `sealed`, whose place is returned; NULL where it does not fit. */
static uint8_t *frame(ora_span_t route_header, size_t sealed, uint8_t *out, size_t capacity, size_t *size)
{
    pb_ostream_t stream = pb_ostream_from_buffer(out, capacity);
    if (!pb_encode_tag(&stream, PB_WT_STRING, ora_relay_v1_Envelope_route_header_tag) ||
        !pb_encode_string(&stream, route_header.data, route_header.size) ||
        !pb_encode_tag(&stream, PB_WT_STRING, ora_relay_v1_Envelope_sealed_tag) ||
        !pb_encode_varint(&stream, sealed) || capacity - stream.bytes_written < sealed) {
        return NULL;
    }
    *size = stream.bytes_written + sealed;
    return out + stream.bytes_written;
}

ora_reason_t ora_envelope_seal(ora_relay_v1_RouteHeader *header, ora_span_t payload,
                               const uint8_t sender_seed[ORA_KEY_BYTES], const uint8_t receiver[ORA_KEY_BYTES],
                               uint8_t *work, size_t work_size, uint8_t *out, size_t capacity, size_t *size)
{
    uint8_t route_header[512], signature[ORA_SIGNATURE_BYTES];
    size_t header_size;
    const size_t needed = ORA_SEAL_OVERHEAD + content_bytes(payload.size) + 1;

    header->pad_bucket = 0;
    while (header->pad_bucket <= ORA_BUCKET_MAX && ORA_SEALED_BYTES(header->pad_bucket) < needed) {
        header->pad_bucket++;
    }
    if (header->pad_bucket > ORA_BUCKET_MAX || payload.size > ORA_RELAY_V1_SEALED_CONTENT_PAYLOAD_MAX ||
        work_size < MESSAGE_BEFORE + payload.size) {
        return ORA_PAYLOAD_TOO_LARGE;
    }
    if (!ora_encode(ORA_RELAY_V1_ROUTE_HEADER, header, route_header, sizeof route_header, &header_size)) {
        return ORA_MALFORMED;
    }
    const ora_span_t aad = {route_header, header_size}, message = {work, MESSAGE_BEFORE + payload.size};
    if (payload.size > 0) {
        memcpy(work + MESSAGE_BEFORE, payload.data, payload.size);
    }
    if (!message_begins(aad, work) || !ora_port_sign(sender_seed, message, signature)) {
        return ORA_NOT_DONE;
    }
    const size_t sealed = ORA_SEALED_BYTES(header->pad_bucket), room = sealed - ORA_SEAL_OVERHEAD;
    uint8_t *at = frame(aad, sealed, out, capacity, size);
    if (at == NULL) {
        return ORA_PAYLOAD_TOO_LARGE;
    }
    uint8_t *text = at + 1 + ORA_HPKE_ENC_BYTES;
    const ora_span_t kept = {work + MESSAGE_BEFORE, payload.size};
    *at = ORA_SUITE_SMALL;
    if (!pad_content(kept, signature, text, room) ||
        !ora_hpke_seal(receiver, INFO_SPAN, aad, text, room, at + 1, text + room)) {
        return ORA_NOT_DONE;
    }
    return ORA_OK;
}

bool ora_message_id(uint64_t now_ms, uint8_t id[ORA_ID_BYTES])
{
    if (!ora_port_random(id + 6, ORA_ID_BYTES - 6)) {
        return false;
    }
    for (unsigned i = 0; i < 6; i++) {
        id[i] = (uint8_t)(now_ms >> (8 * (5 - i)));
    }
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0F));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3F));
    return true;
}
