/* Spoils every vector in many ways and reads what comes out: `spoil FOLDER [ROUNDS]`. Whatever the bytes are, decoding
 * ends, nothing is read or written where it should not be (build it with sanitizers), and what is taken can be written
 * again and read again. The ways follow from a counter, so each run is the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ora_envelope.h"

enum { MAX_BYTES = 4096 };

static uint64_t state = 0x6f7261; /* any */
static size_t tried, taken, failed;

/* splitmix64 */
static uint64_t next(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t spoil(uint8_t *data, size_t size)
{
    const uint64_t times = 1 + next() % 4;
    for (uint64_t i = 0; i < times && size > 0; i++) {
        const size_t at = next() % size;
        switch (next() % 5) {
        case 0:
            data[at] ^= (uint8_t)(1u << next() % 8);
            break;
        case 1:
            data[at] = (uint8_t)next();
            break;
        case 2: /* a length or number at its end */
            data[at] = (uint8_t)(next() % 2 ? 0xFF : 0x7F);
            break;
        case 3:
            size = at;
            break;
        default: /* a piece twice */
            if (size + (size - at) <= MAX_BYTES) {
                memcpy(data + size, data + at, size - at);
                size += size - at;
            }
            break;
        }
    }
    return size;
}

static bool has_list(const ora_message_t *kind)
{
    return kind == ORA_BACKUP_V1_LAYOUT;
}

static void read_all(const uint8_t *data, size_t size)
{
    static ora_any_t message, again;
    static uint8_t written[2 * MAX_BYTES];
    for (size_t i = 0; i < ORA_MESSAGE_COUNT; i++) {
        const ora_message_t *kind = &ora_messages[i];
        size_t length;
        tried++;
        if (!ora_decode(kind, data, size, &message)) {
            continue;
        }
        taken++;
        if (has_list(kind)) {
            ora_list_t nodes = message.ora_backup_v1_Layout_.nodes;
            while (ora_list_next(&nodes, ora_backup_v1_Node_fields, &again)) {
            }
            continue;
        }
        if (!ora_encode(kind, &message, written, sizeof written, &length) ||
            !ora_decode(kind, written, length, &again)) {
            fprintf(stderr, "%s: what was taken does not go round\n", kind->name);
            failed++;
        }
    }
}

static bool nobody(void *context, const uint8_t peer_id[ORA_ID_BYTES], uint8_t public_key[ORA_KEY_BYTES])
{
    (void)context;
    memcpy(public_key, peer_id, ORA_ID_BYTES);
    memcpy(public_key + ORA_ID_BYTES, peer_id, ORA_ID_BYTES);
    return true;
}

static void open_it(const uint8_t *data, size_t size)
{
    static uint8_t work[ORA_ENVELOPE_WORK_BYTES(3)];
    static ora_sealing_key_t keys[8];
    ora_receiver_t receiver = {.sender_kind = ora_relay_v1_SenderKind_SENDER_KIND_APP,
                               .keys = keys,
                               .key_count = sizeof keys / sizeof *keys,
                               .sender = nobody};
    static const uint8_t hub_id[ORA_ID_BYTES] = {0x01, 0x92, 0xf0, 0xc4, 0x9c, 0x4e, 0x7a, 0xa5,
                                                 0x8d, 0x3c, 0x1d, 0x2e, 0x3f, 0x40, 0x51, 0x62};
    ora_relay_v1_RouteHeader header;
    ora_span_t payload;
    const ora_span_t encoded = {data, size};
    memcpy(receiver.hub_id, hub_id, sizeof hub_id);
    for (uint32_t i = 0; i < receiver.key_count; i++) {
        keys[i].key_epoch = i;
        keys[i].suite = ORA_SUITE_SMALL;
        keys[i].private_key[0] = (uint8_t)(i + 1);
    }
    if (ora_envelope_open(encoded, &receiver, work, sizeof work, &header, &payload) == ORA_OK) {
        fprintf(stderr, "an envelope opened with a key that it was not sealed to\n");
        failed++;
    }
}

static void spoil_file(const char *root, const char *name, unsigned rounds)
{
    static uint8_t whole[MAX_BYTES + 1];
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.bin", root, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        failed++;
        return;
    }
    const size_t size = fread(whole, 1, sizeof whole, file);
    fclose(file);
    for (unsigned round = 0; size <= MAX_BYTES && round < rounds; round++) {
        /* Of exactly this size, so that a sanitizer sees one byte beyond. */
        uint8_t spoilt[MAX_BYTES];
        memcpy(spoilt, whole, size);
        const size_t left = spoil(spoilt, size);
        uint8_t *exact = (uint8_t *)malloc(left > 0 ? left : 1);
        if (exact == NULL) {
            abort();
        }
        memcpy(exact, spoilt, left);
        read_all(exact, left);
        if (strncmp(name, "envelope/", 9) == 0) {
            open_it(exact, left);
        }
        free(exact);
    }
}

int main(int count, char **arguments)
{
    char path[1024], line[4096], last[256] = "";
    if (count < 2) {
        fprintf(stderr, "usage: spoil FOLDER [ROUNDS]\n");
        return 2;
    }
    const unsigned rounds = count > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : 20;
    snprintf(path, sizeof path, "%s/index.tsv", arguments[1]);
    FILE *index = fopen(path, "r");
    if (index == NULL) {
        fprintf(stderr, "%s cannot be read\n", path);
        return 2;
    }
    while (fgets(line, sizeof line, index) != NULL) {
        line[strcspn(line, "\t\n")] = 0;
        if (line[0] != '#' && strcmp(line, last) != 0) {
            snprintf(last, sizeof last, "%.255s", line);
            spoil_file(arguments[1], last, rounds);
        }
    }
    fclose(index);
    printf("%zu readings of spoilt vectors, %zu taken, %zu failures\n", tried, taken, failed);
    return failed > 0 || taken == 0;
}
