/* Replays proto/golden with the C of this package: `check_vectors FOLDER`. Reads index.tsv, so it needs no JSON.
 * Exits 1 on any difference, or when nothing was checked. Folders and suites that are not in this build are counted. */
#include <pb_common.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ora_envelope.h"

enum { MAX_FILE = 256 * 1024, MAX_LINE = 4096, MAX_FACTS = 64, MAX_KEYS = 4 };

typedef struct {
    char name[128];
    char facts[MAX_FACTS][2][1100];
    size_t count;
} vector_t;

static const char *root;
static uint8_t file[MAX_FILE], again[MAX_FILE], work[ORA_ENVELOPE_WORK_BYTES(ORA_BUCKET_MAX)], other[MAX_FILE];
static size_t checked, skipped, failed;

static void fail(const vector_t *vector, const char *what)
{
    fprintf(stderr, "%s: %s\n", vector->name, what);
    failed++;
}

static const char *fact(const vector_t *vector, const char *name)
{
    for (size_t i = 0; i < vector->count; i++) {
        if (strcmp(vector->facts[i][0], name) == 0) {
            return vector->facts[i][1];
        }
    }
    return "";
}

static bool is(const vector_t *vector, const char *name, const char *value)
{
    return strcmp(fact(vector, name), value) == 0;
}

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Reads hex of exactly `size` bytes. */
static bool unhex(const char *text, uint8_t *out, size_t size)
{
    if (strlen(text) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        char *end;
        out[i] = (uint8_t)strtoul(pair, &end, 16);
        if (end != pair + 2) {
            return false;
        }
    }
    return true;
}

static bool read_file(const char *name, const char *suffix, uint8_t *into, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.%s", root, name, suffix);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return false;
    }
    *size = fread(into, 1, MAX_FILE, stream);
    const bool whole = feof(stream) || fgetc(stream) == EOF;
    fclose(stream);
    return whole;
}

static const ora_message_t *message_named(const char *name)
{
    for (size_t i = 0; i < ORA_MESSAGE_COUNT; i++) {
        if (strcmp(ora_messages[i].name, name) == 0) {
            return &ora_messages[i];
        }
    }
    return NULL;
}

/* Writes a list that was decoded: each element read, checked and written again. `context` is a copy of the list. */
static bool write_again(pb_ostream_t *stream, const pb_field_t *field, void *context)
{
    static ora_any_t element;
    ora_list_t list = *(const ora_list_t *)context;
    const ora_message_t *kind = ora_message_of(field->submsg_desc);
    while (list.count > 0) {
        memset(&element, 0, sizeof element);
        if (kind == NULL || !ora_list_next(&list, field->submsg_desc, &element) || !ora_check(kind, &element) ||
            !ora_list_write(stream, field, &element)) {
            return false;
        }
    }
    return true;
}

static void set_sources(const ora_message_t *kind, void *message, ora_list_t *copies)
{
    pb_field_iter_t field;
    if (!pb_field_iter_begin(&field, kind->fields, message)) {
        return;
    }
    do {
        if (PB_ATYPE(field.type) == PB_ATYPE_CALLBACK && PB_LTYPE(field.type) == PB_LTYPE_SUBMESSAGE) {
            ora_list_t *list = (ora_list_t *)field.pData;
            *copies = *list;
            list->source = write_again;
            list->context = copies++;
        }
    } while (pb_field_iter_next(&field));
}

/* Decodes and encodes again; false where the bytes are no such message or break a rule. */
static bool goes_round(const ora_message_t *kind, const uint8_t *data, size_t size, bool *same)
{
    static ora_any_t message;
    ora_list_t copies[8];
    size_t written;
    if (!ora_decode(kind, data, size, &message)) {
        return false;
    }
    set_sources(kind, &message, copies);
    if (!ora_encode(kind, &message, again, sizeof again, &written)) {
        return false;
    }
    *same = written == size && memcmp(again, data, size) == 0;
    return true;
}

static void check_message(const vector_t *vector, const ora_message_t *kind, size_t size, bool conforms)
{
    bool same = false;
    if (kind == NULL) {
        fail(vector, "this build knows no such message");
    } else if (goes_round(kind, file, size, &same) != conforms) {
        fail(vector, conforms ? "does not decode" : "decodes, and should not");
    } else if (conforms && same != is(vector, "encodes_to_same", "true")) {
        fail(vector, same ? "encodes to the same bytes, and should not" : "encodes to other bytes");
    }
}

static void check_header(const vector_t *vector, size_t size)
{
    const bool too_long = size > ORA_RELAY_V1_ENVELOPE_ROUTE_HEADER_MAX;
    const bool taken = is(vector, "relay", "FORWARD") || is(vector, "relay", "GATE_SHUT");
    if (!too_long) {
        check_message(vector, ORA_RELAY_V1_ROUTE_HEADER, size, taken);
    } else if (taken) {
        fail(vector, "is longer than a header may be");
    }
}

typedef struct {
    uint8_t peer_id[ORA_ID_BYTES];
    uint8_t public_key[ORA_KEY_BYTES];
    bool known;
} sender_t;

static bool find_sender(void *context, const uint8_t peer_id[ORA_ID_BYTES], uint8_t public_key[ORA_KEY_BYTES])
{
    const sender_t *sender = (const sender_t *)context;
    if (!sender->known || memcmp(sender->peer_id, peer_id, ORA_ID_BYTES) != 0) {
        return false;
    }
    memcpy(public_key, sender->public_key, ORA_KEY_BYTES);
    return true;
}

static void read_receiver(const vector_t *vector, ora_receiver_t *receiver, ora_sealing_key_t *keys, sender_t *sender)
{
    memset(receiver, 0, sizeof *receiver);
    unhex(fact(vector, "receiver.hub_id"), receiver->hub_id, ORA_ID_BYTES);
    receiver->sender_kind = (ora_relay_v1_SenderKind)atoi(fact(vector, "receiver.sender_kind"));
    receiver->keys = keys;
    for (unsigned i = 0; i < MAX_KEYS; i++) {
        char name[64];
        snprintf(name, sizeof name, "receiver.keys.%u.test_private_key", i);
        if (!unhex(fact(vector, name), keys[i].private_key, ORA_KEY_BYTES)) {
            break;
        }
        snprintf(name, sizeof name, "receiver.keys.%u.key_epoch", i);
        keys[i].key_epoch = (uint32_t)strtoul(fact(vector, name), NULL, 10);
        snprintf(name, sizeof name, "receiver.keys.%u.suite", i);
        keys[i].suite = (uint8_t)atoi(fact(vector, name));
        receiver->key_count = i + 1;
    }
    sender->known = unhex(fact(vector, "receiver.senders.0.peer_id"), sender->peer_id, ORA_ID_BYTES) &&
                    unhex(fact(vector, "receiver.senders.0.signing_public_key"), sender->public_key, ORA_KEY_BYTES);
    receiver->sender = find_sender;
    receiver->context = sender;
}

static void check_envelope(const vector_t *vector, size_t size)
{
    ora_receiver_t receiver;
    ora_sealing_key_t keys[MAX_KEYS];
    ora_relay_v1_RouteHeader header;
    ora_span_t payload;
    sender_t sender;
    size_t expected;
    const bool opens = is(vector, "expect", "OPENS");
    const bool other_suite = starts(vector->name, "envelope/hybrid");

    read_receiver(vector, &receiver, keys, &sender);
    const ora_span_t encoded = {file, size};
    const ora_reason_t reason = ora_envelope_open(encoded, &receiver, work, sizeof work, &header, &payload);
    if (other_suite) {
        if (reason != ORA_SUITE_UNKNOWN) {
            fail(vector, "a suite that is not in this build is not refused as unknown");
        }
    } else if (!opens) {
        if (strcmp(ora_reason_name(reason), fact(vector, "expect")) != 0) {
            fail(vector, ora_reason_name(reason));
        }
        return;
    } else if (reason != ORA_OK) {
        fail(vector, ora_reason_name(reason));
    } else if (!read_file(vector->name, "payload.bin", other, &expected) || expected != payload.size ||
               memcmp(other, payload.data, expected) != 0) {
        fail(vector, "opens to another payload");
    }
    check_message(vector, ORA_RELAY_V1_ENVELOPE, size, true);
}

static void check_record(const vector_t *vector, size_t size)
{
    ora_common_v1_SignedRecord record;
    uint8_t public_key[ORA_KEY_BYTES];
    bool same = false;
    ora_reason_t reason = ORA_MALFORMED;
    const ora_message_t *kind = message_named(fact(vector, "statement_message"));

    if (kind == NULL) {
        fail(vector, "this build knows no such statement");
        return;
    }
    if (strcmp(kind->context, fact(vector, "context")) != 0) {
        fail(vector, "its context is another one");
    }
    if (!unhex(fact(vector, "public_key"), public_key, sizeof public_key)) {
        fail(vector, "has no public key");
    }
    if (ora_decode(ORA_COMMON_V1_SIGNED_RECORD, file, size, &record)) {
        reason = ora_record_verify(kind->context, &record, public_key, work);
    }
    if (!is(vector, "expect", reason == ORA_OK ? "VERIFIES" : ora_reason_name(reason))) {
        fail(vector, ora_reason_name(reason));
    } else if (reason == ORA_OK && (!goes_round(ORA_COMMON_V1_SIGNED_RECORD, file, size, &same) || !same)) {
        fail(vector, "encodes to other bytes");
    }
}

static void check_identifier(const vector_t *vector, size_t size)
{
    uint8_t key[ORA_KEY_BYTES], hub_id[ORA_ID_BYTES], made[ORA_HASH_BYTES];
    size_t length = ORA_HASH_BYTES;
    bool done = false;
    if (is(vector, "kind", "subject_digest")) {
        done = unhex(fact(vector, "hub_id"), hub_id, sizeof hub_id) &&
               ora_subject_digest(hub_id, fact(vector, "issuer"), fact(vector, "subject"), made);
    } else if (unhex(fact(vector, "public_key"), key, sizeof key)) {
        length = is(vector, "kind", "key_id") ? ORA_KEY_ID_BYTES : ORA_ID_BYTES;
        done = length == ORA_ID_BYTES ? ora_peer_id(key, made) : ora_key_id(key, made);
    }
    if (!done || size != length || memcmp(made, file, length) != 0) {
        fail(vector, "is another id");
    }
}

/* A layout must be the one encoding of itself. Numbers that refer to each other are the reader's business, not C's. */
static void check_layout(const vector_t *vector, size_t size)
{
    bool same = false;
    const bool taken = goes_round(ORA_BACKUP_V1_LAYOUT, file, size, &same) && same;
    if (strstr(vector->name, "bad_reference") != NULL || strstr(vector->name, "bad_twice") != NULL) {
        skipped++;
        checked--;
    } else if (taken != is(vector, "expect", "CONFORMS")) {
        fail(vector, taken ? "is taken, and should not be" : "is not taken");
    }
}

static void check(const vector_t *vector)
{
    size_t size;
    if (vector->count == 0) {
        return;
    }
    if (!read_file(vector->name, "bin", file, &size)) {
        fail(vector, "cannot be read");
        return;
    }
    checked++;
    if (starts(vector->name, "message/")) {
        check_message(vector, message_named(fact(vector, "message")), size, is(vector, "expect", "CONFORMS"));
    } else if (starts(vector->name, "route_header/")) {
        check_header(vector, size);
    } else if (starts(vector->name, "envelope/")) {
        check_envelope(vector, size);
    } else if (starts(vector->name, "record/")) {
        check_record(vector, size);
    } else if (starts(vector->name, "identifier/")) {
        check_identifier(vector, size);
    } else if (starts(vector->name, "layout/")) {
        check_layout(vector, size);
    } else {
        checked--;
        skipped++;
    }
}

/* Adds one line of the index; a new name ends the vector before. */
static void add(vector_t *vector, char *line)
{
    char *name = strtok(line, "\t"), *key = strtok(NULL, "\t"), *value = strtok(NULL, "\n");
    if (name == NULL || key == NULL || name[0] == '#') {
        return;
    }
    if (strcmp(vector->name, name) != 0) {
        check(vector);
        memset(vector, 0, sizeof *vector);
        snprintf(vector->name, sizeof vector->name, "%s", name);
    }
    if (vector->count < MAX_FACTS) {
        snprintf(vector->facts[vector->count][0], sizeof vector->facts[0][0], "%s", key);
        snprintf(vector->facts[vector->count++][1], sizeof vector->facts[0][1], "%s", value != NULL ? value : "");
    }
}

int main(int count, char **arguments)
{
    static vector_t vector;
    char path[1024], line[MAX_LINE];
    if (count != 2) {
        fprintf(stderr, "usage: check_vectors FOLDER\n");
        return 2;
    }
    root = arguments[1];
    snprintf(path, sizeof path, "%s/index.tsv", root);
    FILE *index = fopen(path, "r");
    if (index == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        return 2;
    }
    while (fgets(line, sizeof line, index) != NULL) {
        add(&vector, line);
    }
    check(&vector);
    fclose(index);
    printf("%zu vectors checked, %zu not in this build, %zu differences\n", checked, skipped, failed);
    return failed > 0 || checked == 0;
}
