/* Owns whole envelopes of suite 1: header, padding, seal, and who said it (proto/ora/relay/v1/sealed_content.proto).
 * The caller brings every buffer; sizes follow from the largest bucket that the board wants to take. */
#ifndef ORA_ENVELOPE_H
#define ORA_ENVELOPE_H

#include "ora_hpke.h"
#include "ora_record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ORA_SUITE_SMALL 1
#define ORA_BUCKET_MAX 8
/* `sealed` with this bucket. */
#define ORA_SEALED_BYTES(bucket) ((size_t)256 << (bucket))
/* Suite byte, enc and tag. */
#define ORA_SEAL_OVERHEAD (1 + ORA_HPKE_ENC_BYTES + ORA_TAG_BYTES)
/* Scratch for opening and sealing with this bucket. */
#define ORA_ENVELOPE_WORK_BYTES(bucket) (ORA_SEALED_BYTES(bucket) + 64)
/* An encoded Envelope with this bucket. */
#define ORA_ENVELOPE_BYTES(bucket) (ORA_SEALED_BYTES(bucket) + 512 + 8)

/* One of the receiver's keys. A key of another suite may be named, so that the answer is WRONG_KEY. */
typedef struct {
    uint32_t key_epoch;
    uint8_t suite;
    uint8_t private_key[ORA_KEY_BYTES];
} ora_sealing_key_t;

/* Who opens, and whom it knows. */
typedef struct {
    uint8_t hub_id[ORA_ID_BYTES];
    ora_relay_v1_SenderKind sender_kind; /* which side sends to this receiver */
    const ora_sealing_key_t *keys;
    size_t key_count;
    /* Gives the sender's Ed25519 key for a peer id; false: nobody known. */
    bool (*sender)(void *context, const uint8_t peer_id[ORA_ID_BYTES], uint8_t public_key[ORA_KEY_BYTES]);
    void *context;
} ora_receiver_t;

/* Opens an encoded Envelope and proves its sender, in the order of checks of the SDK. `payload` points into `work`. */
ora_reason_t ora_envelope_open(ora_span_t encoded, const ora_receiver_t *receiver, uint8_t *work, size_t work_size,
                               ora_relay_v1_RouteHeader *header, ora_span_t *payload);

/* Signs `payload`, seals it to `receiver` and encodes the Envelope into `out`. `header` is complete but for pad_bucket,
 * which is set here. */
ora_reason_t ora_envelope_seal(ora_relay_v1_RouteHeader *header, ora_span_t payload,
                               const uint8_t sender_seed[ORA_KEY_BYTES], const uint8_t receiver[ORA_KEY_BYTES],
                               uint8_t *work, size_t work_size, uint8_t *out, size_t capacity, size_t *size);

/* Makes a UUIDv7 (RFC 9562) for the instant. */
bool ora_message_id(uint64_t now_ms, uint8_t id[ORA_ID_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
