/* Owns the primitives that a board provides: by its secure element, its vendor's library, or OpenSSL (port_openssl.c).
 * Everything above is plain C that calls nothing else. Each returns false when it could not be done; none allocates on
 * behalf of the caller. */
#ifndef ORA_PORT_H
#define ORA_PORT_H

#include "ora_span.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ORA_HASH_BYTES 32
#define ORA_KEY_BYTES 32 /* X25519 and Ed25519, both halves */
#define ORA_SIGNATURE_BYTES 64
#define ORA_AES_KEY_BYTES 16
#define ORA_NONCE_BYTES 12
#define ORA_TAG_BYTES 16

/* SHA-256 of all parts, one after another. */
bool ora_port_sha256(const ora_span_t *parts, size_t count, uint8_t hash[ORA_HASH_BYTES]);

/* HMAC-SHA-256 of all parts, one after another. */
bool ora_port_hmac(ora_span_t key, const ora_span_t *parts, size_t count, uint8_t mac[ORA_HASH_BYTES]);

/* RFC 7748. The first fails where the result is all zero. */
bool ora_port_x25519(const uint8_t private_key[ORA_KEY_BYTES], const uint8_t public_key[ORA_KEY_BYTES],
                     uint8_t shared[ORA_KEY_BYTES]);
bool ora_port_x25519_public(const uint8_t private_key[ORA_KEY_BYTES], uint8_t public_key[ORA_KEY_BYTES]);

/* AES-128-GCM in place; the tag stands behind the text. */
bool ora_port_seal(const uint8_t key[ORA_AES_KEY_BYTES], const uint8_t nonce[ORA_NONCE_BYTES], ora_span_t aad,
                   uint8_t *text, size_t size, uint8_t tag[ORA_TAG_BYTES]);
bool ora_port_open(const uint8_t key[ORA_AES_KEY_BYTES], const uint8_t nonce[ORA_NONCE_BYTES], ora_span_t aad,
                   uint8_t *text, size_t size, const uint8_t tag[ORA_TAG_BYTES]);

/* RFC 8032. `seed` is the private key. */
bool ora_port_sign(const uint8_t seed[ORA_KEY_BYTES], ora_span_t message, uint8_t signature[ORA_SIGNATURE_BYTES]);
bool ora_port_verify(const uint8_t public_key[ORA_KEY_BYTES], ora_span_t message,
                     const uint8_t signature[ORA_SIGNATURE_BYTES]);
bool ora_port_sign_public(const uint8_t seed[ORA_KEY_BYTES], uint8_t public_key[ORA_KEY_BYTES]);

/* From the board's generator of randomness, never from a seeded one. */
bool ora_port_random(uint8_t *bytes, size_t size);

/* Overwrites a secret; not optimised away. */
void ora_port_wipe(void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
