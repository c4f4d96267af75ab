/* The primitives by OpenSSL 3. It allocates inside; a board without a heap brings its own port. */
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "ora_port.h"

bool ora_port_sha256(const ora_span_t *parts, size_t count, uint8_t hash[ORA_HASH_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; done && i < count; i++) {
        done = EVP_DigestUpdate(context, parts[i].data, parts[i].size) == 1;
    }
    done = done && EVP_DigestFinal_ex(context, hash, NULL) == 1;
    EVP_MD_CTX_free(context);
    return done;
}

bool ora_port_hmac(ora_span_t key, const ora_span_t *parts, size_t count, uint8_t mac[ORA_HASH_BYTES])
{
    static const uint8_t empty[1] = {0};
    char name[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                               OSSL_PARAM_construct_end()};
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = algorithm != NULL ? EVP_MAC_CTX_new(algorithm) : NULL;
    bool done = context != NULL && EVP_MAC_init(context, key.size ? key.data : empty, key.size, parameters) == 1;
    for (size_t i = 0; done && i < count; i++) {
        done = EVP_MAC_update(context, parts[i].data, parts[i].size) == 1;
    }
    size_t size = 0;
    done = done && EVP_MAC_final(context, mac, &size, ORA_HASH_BYTES) == 1 && size == ORA_HASH_BYTES;
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(algorithm);
    return done;
}

bool ora_port_x25519(const uint8_t private_key[ORA_KEY_BYTES], const uint8_t public_key[ORA_KEY_BYTES],
                     uint8_t shared[ORA_KEY_BYTES])
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, ORA_KEY_BYTES);
    EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, ORA_KEY_BYTES);
    EVP_PKEY_CTX *context = own != NULL && other != NULL ? EVP_PKEY_CTX_new(own, NULL) : NULL;
    size_t size = ORA_KEY_BYTES;
    const bool done = context != NULL && EVP_PKEY_derive_init(context) == 1 &&
                      EVP_PKEY_derive_set_peer(context, other) == 1 && EVP_PKEY_derive(context, shared, &size) == 1 &&
                      size == ORA_KEY_BYTES;
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(other);
    EVP_PKEY_free(own);
    return done;
}

static bool public_of(int kind, const uint8_t *private_key, uint8_t *public_key)
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(kind, NULL, private_key, ORA_KEY_BYTES);
    size_t size = ORA_KEY_BYTES;
    const bool done = own != NULL && EVP_PKEY_get_raw_public_key(own, public_key, &size) == 1 && size == ORA_KEY_BYTES;
    EVP_PKEY_free(own);
    return done;
}

bool ora_port_x25519_public(const uint8_t private_key[ORA_KEY_BYTES], uint8_t public_key[ORA_KEY_BYTES])
{
    return public_of(EVP_PKEY_X25519, private_key, public_key);
}

bool ora_port_sign_public(const uint8_t seed[ORA_KEY_BYTES], uint8_t public_key[ORA_KEY_BYTES])
{
    return public_of(EVP_PKEY_ED25519, seed, public_key);
}

/* Sets a cipher up and gives it the AAD. */
static bool gcm(EVP_CIPHER_CTX *context, int sealing, const uint8_t *key, const uint8_t *nonce, ora_span_t aad)
{
    int written = 0;
    return context != NULL && aad.size <= INT_MAX &&
           EVP_CipherInit_ex(context, EVP_aes_128_gcm(), NULL, key, nonce, sealing) == 1 &&
           (aad.size == 0 || EVP_CipherUpdate(context, NULL, &written, aad.data, (int)aad.size) == 1);
}

bool ora_port_seal(const uint8_t key[ORA_AES_KEY_BYTES], const uint8_t nonce[ORA_NONCE_BYTES], ora_span_t aad,
                   uint8_t *text, size_t size, uint8_t tag[ORA_TAG_BYTES])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written = 0;
    const bool done = size <= INT_MAX && gcm(context, 1, key, nonce, aad) &&
                      EVP_CipherUpdate(context, text, &written, text, (int)size) == 1 &&
                      EVP_CipherFinal_ex(context, text + written, &written) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, ORA_TAG_BYTES, tag) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

bool ora_port_open(const uint8_t key[ORA_AES_KEY_BYTES], const uint8_t nonce[ORA_NONCE_BYTES], ora_span_t aad,
                   uint8_t *text, size_t size, const uint8_t tag[ORA_TAG_BYTES])
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t expected[ORA_TAG_BYTES];
    int written = 0;
    for (size_t i = 0; i < sizeof expected; i++) {
        expected[i] = tag[i];
    }
    const bool done = size <= INT_MAX && gcm(context, 0, key, nonce, aad) &&
                      EVP_CipherUpdate(context, text, &written, text, (int)size) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, ORA_TAG_BYTES, expected) == 1 &&
                      EVP_CipherFinal_ex(context, text + written, &written) == 1;
    EVP_CIPHER_CTX_free(context);
    return done;
}

bool ora_port_sign(const uint8_t seed[ORA_KEY_BYTES], ora_span_t message, uint8_t signature[ORA_SIGNATURE_BYTES])
{
    EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ORA_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t size = ORA_SIGNATURE_BYTES;
    const bool done = own != NULL && context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, own) == 1 &&
                      EVP_DigestSign(context, signature, &size, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(own);
    return done;
}

bool ora_port_verify(const uint8_t public_key[ORA_KEY_BYTES], ora_span_t message,
                     const uint8_t signature[ORA_SIGNATURE_BYTES])
{
    EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ORA_KEY_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool done = other != NULL && context != NULL &&
                      EVP_DigestVerifyInit(context, NULL, NULL, NULL, other) == 1 &&
                      EVP_DigestVerify(context, signature, ORA_SIGNATURE_BYTES, message.data, message.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(other);
    return done;
}

bool ora_port_random(uint8_t *bytes, size_t size)
{
    return size <= INT_MAX && RAND_bytes(bytes, (int)size) == 1;
}

void ora_port_wipe(void *bytes, size_t size)
{
    OPENSSL_cleanse(bytes, size);
}
