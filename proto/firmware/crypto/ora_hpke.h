/* Owns suite 1 of the envelopes: HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM,
 * one message a context. It knows no message of the contract. */
#ifndef ORA_HPKE_H
#define ORA_HPKE_H

#include "ora_port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ORA_HPKE_ENC_BYTES ORA_KEY_BYTES

/* Seals in place to `receiver`: `text` holds the plaintext, then the ciphertext; `enc` and `tag` are written. */
bool ora_hpke_seal(const uint8_t receiver[ORA_KEY_BYTES], ora_span_t info, ora_span_t aad, uint8_t *text, size_t size,
                   uint8_t enc[ORA_HPKE_ENC_BYTES], uint8_t tag[ORA_TAG_BYTES]);

/* The same with a given ephemeral key: for vectors. One that is used twice gives the plaintexts away. */
bool ora_hpke_seal_with(const uint8_t ephemeral[ORA_KEY_BYTES], const uint8_t receiver[ORA_KEY_BYTES], ora_span_t info,
                        ora_span_t aad, uint8_t *text, size_t size, uint8_t enc[ORA_HPKE_ENC_BYTES],
                        uint8_t tag[ORA_TAG_BYTES]);

/* Opens in place; false where enc, info, aad, text, tag and key do not belong together. */
bool ora_hpke_open(const uint8_t private_key[ORA_KEY_BYTES], const uint8_t enc[ORA_HPKE_ENC_BYTES], ora_span_t info,
                   ora_span_t aad, uint8_t *text, size_t size, const uint8_t tag[ORA_TAG_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
