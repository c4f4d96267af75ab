/* Owns the TLS key and the request for its certificate. A product makes both in its secure element. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <unistd.h>

#include "hub_state.h"

static bool write_key(const hub_state_t *state, EVP_PKEY *key)
{
    char path[1024];
    hub_path(state, "tls.key", path);
    const int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FILE *stream = file >= 0 ? fdopen(file, "w") : NULL;
    if (stream == NULL) {
        return false;
    }
    const bool written = PEM_write_PKCS8PrivateKey(stream, key, NULL, NULL, 0, NULL, NULL) == 1;
    return fclose(stream) == 0 && written;
}

/* A request without a subject: the certificate names the Hub by its URI alone. */
static bool write_request(const hub_state_t *state, EVP_PKEY *key)
{
    char path[1024], uri[64];
    snprintf(uri, sizeof uri, "URI:urn:uuid:%s", state->name);
    X509_REQ *request = X509_REQ_new();
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, uri);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    bool made = request != NULL && extension != NULL && extensions != NULL &&
                sk_X509_EXTENSION_push(extensions, extension) > 0 && X509_REQ_set_version(request, 0) == 1 &&
                X509_REQ_add_extensions(request, extensions) == 1 && X509_REQ_set_pubkey(request, key) == 1 &&
                X509_REQ_sign(request, key, EVP_sha256()) > 0;
    hub_path(state, "tls.csr", path);
    FILE *stream = made ? fopen(path, "w") : NULL;
    made = stream != NULL && PEM_write_X509_REQ(stream, request) == 1;
    if (stream != NULL) {
        made = fclose(stream) == 0 && made;
    }
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(request);
    return made;
}

bool hub_make_tls(const hub_state_t *state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const bool made = key != NULL && write_key(state, key) && write_request(state, key);
    EVP_PKEY_free(key);
    return made;
}
