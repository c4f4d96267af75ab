/* Owns signed records: `context ‖ 0x00 ‖ statement` under Ed25519, in a SignedRecord; and the ids derived from keys. */
#ifndef ORA_RECORD_H
#define ORA_RECORD_H

#include "ora_contract.h"
#include "ora_port.h"
#include "ora_reason.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ORA_KEY_ID_BYTES 8
#define ORA_ID_BYTES 16
/* Room for the context, the zero byte and the longest statement. */
#define ORA_RECORD_WORK_BYTES (64 + ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX)

/* Encodes `statement`, a struct of `kind`, signs it and encodes the SignedRecord around it. `work` is scratch. */
ora_reason_t ora_record_sign(const ora_message_t *kind, const void *statement, const uint8_t seed[ORA_KEY_BYTES],
                             uint8_t work[ORA_RECORD_WORK_BYTES], ora_common_v1_SignedRecord *record);

/* Checks an encoded SignedRecord and decodes its statement into a struct of `kind`. */
ora_reason_t ora_record_open(const ora_message_t *kind, ora_span_t encoded, const uint8_t public_key[ORA_KEY_BYTES],
                             uint8_t work[ORA_RECORD_WORK_BYTES], void *statement);

/* The same for a record that is decoded already, and the statement is left as it is: `record->statement`. */
ora_reason_t ora_record_verify(const char *context, const ora_common_v1_SignedRecord *record,
                               const uint8_t public_key[ORA_KEY_BYTES], uint8_t work[ORA_RECORD_WORK_BYTES]);

/* The first bytes of SHA-256(public key): 8 name a key, 16 an app session. */
bool ora_key_id(const uint8_t public_key[ORA_KEY_BYTES], uint8_t id[ORA_KEY_ID_BYTES]);
bool ora_peer_id(const uint8_t public_key[ORA_KEY_BYTES], uint8_t id[ORA_ID_BYTES]);

/* SHA-256 of `ora peer v1` ‖ 0x00 ‖ hub_id ‖ issuer ‖ 0x00 ‖ subject: one person at one Hub, without a name. */
bool ora_subject_digest(const uint8_t hub_id[ORA_ID_BYTES], const char *issuer, const char *subject,
                        uint8_t digest[ORA_HASH_BYTES]);

#ifdef __cplusplus
}
#endif

#endif
