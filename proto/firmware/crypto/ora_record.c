#include "ora_record.h"

#include <string.h>

static const char *const NAMES[] = {
    [ORA_OK] = "OK",
    [ORA_MALFORMED] = "MALFORMED",
    [ORA_SUITE_UNKNOWN] = "SUITE_UNKNOWN",
    [ORA_WRONG_KEY] = "WRONG_KEY",
    [ORA_WRONG_HEADER] = "WRONG_HEADER",
    [ORA_TAMPERED] = "TAMPERED",
    [ORA_BAD_PADDING] = "BAD_PADDING",
    [ORA_SENDER_UNKNOWN] = "SENDER_UNKNOWN",
    [ORA_SENDER_SIGNATURE] = "SENDER_SIGNATURE",
    [ORA_PAYLOAD_TOO_LARGE] = "PAYLOAD_TOO_LARGE",
    [ORA_RECORD_SIGNATURE] = "RECORD_SIGNATURE",
    [ORA_NOT_DONE] = "NOT_DONE",
};

const char *ora_reason_name(ora_reason_t reason)
{
    return NAMES[reason];
}

static bool digest_prefix(const uint8_t public_key[ORA_KEY_BYTES], uint8_t *id, size_t size)
{
    const ora_span_t whole = {public_key, ORA_KEY_BYTES};
    uint8_t hash[ORA_HASH_BYTES];
    if (!ora_port_sha256(&whole, 1, hash)) {
        return false;
    }
    memcpy(id, hash, size);
    return true;
}

bool ora_key_id(const uint8_t public_key[ORA_KEY_BYTES], uint8_t id[ORA_KEY_ID_BYTES])
{
    return digest_prefix(public_key, id, ORA_KEY_ID_BYTES);
}

bool ora_peer_id(const uint8_t public_key[ORA_KEY_BYTES], uint8_t id[ORA_ID_BYTES])
{
    return digest_prefix(public_key, id, ORA_ID_BYTES);
}

bool ora_subject_digest(const uint8_t hub_id[ORA_ID_BYTES], const char *issuer, const char *subject,
                        uint8_t digest[ORA_HASH_BYTES])
{
    static const char context[] = "ora peer v1"; /* its terminator is the zero byte */
    const ora_span_t parts[] = {{(const uint8_t *)context, sizeof context},
                                {hub_id, ORA_ID_BYTES},
                                {(const uint8_t *)issuer, strlen(issuer) + 1},
                                {(const uint8_t *)subject, strlen(subject)}};
    return ora_port_sha256(parts, sizeof parts / sizeof *parts, digest);
}

/* Writes `context ‖ 0x00`; returns its length, 0 where it does not fit. */
static size_t begin(const char *context, size_t statement, uint8_t work[ORA_RECORD_WORK_BYTES])
{
    const size_t size = strlen(context) + 1;
    if (statement > ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX || size > ORA_RECORD_WORK_BYTES - statement) {
        return 0;
    }
    memcpy(work, context, size);
    return size;
}

ora_reason_t ora_record_sign(const ora_message_t *kind, const void *statement, const uint8_t seed[ORA_KEY_BYTES],
                             uint8_t work[ORA_RECORD_WORK_BYTES], ora_common_v1_SignedRecord *record)
{
    uint8_t public_key[ORA_KEY_BYTES];
    const size_t before = begin(kind->context, 0, work);
    size_t size;
    memset(record, 0, sizeof *record);
    if (before == 0 ||
        !ora_encode(kind, statement, work + before, ORA_COMMON_V1_SIGNED_RECORD_STATEMENT_MAX, &size)) {
        return ORA_MALFORMED;
    }
    record->statement.data = work + before;
    record->statement.size = size;
    const ora_span_t message = {work, before + size};
    if (!ora_port_sign(seed, message, record->signature) || !ora_port_sign_public(seed, public_key) ||
        !ora_key_id(public_key, record->key_id)) {
        return ORA_NOT_DONE;
    }
    return ORA_OK;
}

ora_reason_t ora_record_verify(const char *context, const ora_common_v1_SignedRecord *record,
                               const uint8_t public_key[ORA_KEY_BYTES], uint8_t work[ORA_RECORD_WORK_BYTES])
{
    uint8_t id[ORA_KEY_ID_BYTES];
    const size_t before = begin(context, record->statement.size, work);
    if (before == 0) {
        return ORA_MALFORMED;
    }
    memcpy(work + before, record->statement.data, record->statement.size);
    const ora_span_t message = {work, before + record->statement.size};
    if (!ora_key_id(public_key, id) || memcmp(id, record->key_id, sizeof id) != 0 ||
        !ora_port_verify(public_key, message, record->signature)) {
        return ORA_RECORD_SIGNATURE;
    }
    return ORA_OK;
}

ora_reason_t ora_record_open(const ora_message_t *kind, ora_span_t encoded, const uint8_t public_key[ORA_KEY_BYTES],
                             uint8_t work[ORA_RECORD_WORK_BYTES], void *statement)
{
    ora_common_v1_SignedRecord record;
    if (!ora_decode(ORA_COMMON_V1_SIGNED_RECORD, encoded.data, encoded.size, &record)) {
        return ORA_MALFORMED;
    }
    const ora_reason_t reason = ora_record_verify(kind->context, &record, public_key, work);
    if (reason != ORA_OK) {
        return reason;
    }
    return ora_decode(kind, record.statement.data, record.statement.size, statement) ? ORA_OK : ORA_MALFORMED;
}
