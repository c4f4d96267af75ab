#include "ora_hpke.h"

#include <string.h>

/* RFC 9180 §7: KEM 0x0020, KDF 0x0001, AEAD 0x0001. */
static const uint8_t KEM_SUITE[] = {'K', 'E', 'M', 0x00, 0x20};
static const uint8_t HPKE_SUITE[] = {'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x01};
static const char VERSION[] = "HPKE-v1";

enum { CONTEXT_BYTES = 1 + 2 * ORA_HASH_BYTES };

typedef struct {
    uint8_t key[ORA_AES_KEY_BYTES];
    uint8_t nonce[ORA_NONCE_BYTES];
} keys_t;

static ora_span_t span(const void *data, size_t size)
{
    const ora_span_t made = {(const uint8_t *)data, size};
    return made;
}

static ora_span_t text_span(const char *text)
{
    return span(text, strlen(text));
}

/* LabeledExtract, §4. */
static bool extract(ora_span_t suite, ora_span_t salt, const char *label, ora_span_t ikm, uint8_t prk[ORA_HASH_BYTES])
{
    static const uint8_t no_salt[ORA_HASH_BYTES] = {0};
    const ora_span_t parts[] = {text_span(VERSION), suite, text_span(label), ikm};
    return ora_port_hmac(salt.size ? salt : span(no_salt, sizeof no_salt), parts, sizeof parts / sizeof *parts, prk);
}

/* LabeledExpand, §4, for at most one block. */
static bool expand(ora_span_t suite, const uint8_t prk[ORA_HASH_BYTES], const char *label, ora_span_t info,
                   uint8_t *out, uint8_t size)
{
    static const uint8_t counter = 1;
    const uint8_t length[2] = {0, size};
    const ora_span_t parts[] = {span(length, sizeof length), text_span(VERSION), suite, text_span(label), info,
                                span(&counter, sizeof counter)};
    uint8_t block[ORA_HASH_BYTES];
    if (size > sizeof block || !ora_port_hmac(span(prk, ORA_HASH_BYTES), parts, sizeof parts / sizeof *parts, block)) {
        return false;
    }
    memcpy(out, block, size);
    ora_port_wipe(block, sizeof block);
    return true;
}

/* ExtractAndExpand of DHKEM, §4.1. */
static bool kem(const uint8_t dh[ORA_KEY_BYTES], const uint8_t enc[ORA_KEY_BYTES],
                const uint8_t receiver[ORA_KEY_BYTES], uint8_t shared[ORA_HASH_BYTES])
{
    const ora_span_t suite = span(KEM_SUITE, sizeof KEM_SUITE);
    uint8_t prk[ORA_HASH_BYTES], context[2 * ORA_KEY_BYTES];
    memcpy(context, enc, ORA_KEY_BYTES);
    memcpy(context + ORA_KEY_BYTES, receiver, ORA_KEY_BYTES);
    const bool done = extract(suite, span(NULL, 0), "eae_prk", span(dh, ORA_KEY_BYTES), prk) &&
                      expand(suite, prk, "shared_secret", span(context, sizeof context), shared, ORA_HASH_BYTES);
    ora_port_wipe(prk, sizeof prk);
    return done;
}

/* KeySchedule in base mode, §5.1. */
static bool schedule(const uint8_t shared[ORA_HASH_BYTES], ora_span_t info, keys_t *keys)
{
    const ora_span_t suite = span(HPKE_SUITE, sizeof HPKE_SUITE), none = span(NULL, 0);
    uint8_t context[CONTEXT_BYTES] = {0x00}, secret[ORA_HASH_BYTES];
    const ora_span_t whole = span(context, sizeof context);
    const bool done = extract(suite, none, "psk_id_hash", none, context + 1) &&
                      extract(suite, none, "info_hash", info, context + 1 + ORA_HASH_BYTES) &&
                      extract(suite, span(shared, ORA_HASH_BYTES), "secret", none, secret) &&
                      expand(suite, secret, "key", whole, keys->key, sizeof keys->key) &&
                      expand(suite, secret, "base_nonce", whole, keys->nonce, sizeof keys->nonce);
    ora_port_wipe(secret, sizeof secret);
    return done;
}

bool ora_hpke_seal_with(const uint8_t ephemeral[ORA_KEY_BYTES], const uint8_t receiver[ORA_KEY_BYTES], ora_span_t info,
                        ora_span_t aad, uint8_t *text, size_t size, uint8_t enc[ORA_HPKE_ENC_BYTES],
                        uint8_t tag[ORA_TAG_BYTES])
{
    uint8_t dh[ORA_KEY_BYTES], shared[ORA_HASH_BYTES];
    keys_t keys;
    const bool done = ora_port_x25519_public(ephemeral, enc) && ora_port_x25519(ephemeral, receiver, dh) &&
                      kem(dh, enc, receiver, shared) && schedule(shared, info, &keys) &&
                      ora_port_seal(keys.key, keys.nonce, aad, text, size, tag);
    ora_port_wipe(dh, sizeof dh);
    ora_port_wipe(shared, sizeof shared);
    ora_port_wipe(&keys, sizeof keys);
    return done;
}

bool ora_hpke_seal(const uint8_t receiver[ORA_KEY_BYTES], ora_span_t info, ora_span_t aad, uint8_t *text, size_t size,
                   uint8_t enc[ORA_HPKE_ENC_BYTES], uint8_t tag[ORA_TAG_BYTES])
{
    uint8_t ephemeral[ORA_KEY_BYTES];
    const bool done = ora_port_random(ephemeral, sizeof ephemeral) &&
                      ora_hpke_seal_with(ephemeral, receiver, info, aad, text, size, enc, tag);
    ora_port_wipe(ephemeral, sizeof ephemeral);
    return done;
}

bool ora_hpke_open(const uint8_t private_key[ORA_KEY_BYTES], const uint8_t enc[ORA_HPKE_ENC_BYTES], ora_span_t info,
                   ora_span_t aad, uint8_t *text, size_t size, const uint8_t tag[ORA_TAG_BYTES])
{
    uint8_t receiver[ORA_KEY_BYTES], dh[ORA_KEY_BYTES], shared[ORA_HASH_BYTES];
    keys_t keys;
    const bool done = ora_port_x25519_public(private_key, receiver) && ora_port_x25519(private_key, enc, dh) &&
                      kem(dh, enc, receiver, shared) && schedule(shared, info, &keys) &&
                      ora_port_open(keys.key, keys.nonce, aad, text, size, tag);
    ora_port_wipe(dh, sizeof dh);
    ora_port_wipe(shared, sizeof shared);
    ora_port_wipe(&keys, sizeof keys);
    return done;
}
