/* What the vectors do not show: the RFC's own vector, sealing, buffers that are too small, pointers that lead nowhere.
 * Every test is a function; main names the one that fails and exits 1. */
#include <stdio.h>
#include <string.h>

#include "ora_envelope.h"

static int failures;

#define EXPECT(what)                                                   \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
            failures++;                                                \
        }                                                              \
    } while (0)

static const uint8_t HUB[ORA_ID_BYTES] = {0x01, 0x92, 0xf0, 0xc4, 0x9c, 0x4e, 0x7a, 0xa5,
                                          0x8d, 0x3c, 0x1d, 0x2e, 0x3f, 0x40, 0x51, 0x62};
static uint8_t work[ORA_ENVELOPE_WORK_BYTES(ORA_BUCKET_MAX)], out[ORA_ENVELOPE_BYTES(ORA_BUCKET_MAX)];

static ora_span_t span(const void *data, size_t size)
{
    const ora_span_t made = {(const uint8_t *)data, size};
    return made;
}

static void unhex(const char *text, uint8_t *bytes)
{
    for (; *text != 0; text += 2) {
        unsigned value;
        sscanf(text, "%2x", &value);
        *bytes++ = (uint8_t)value;
    }
}

/* RFC 9180, A.1.1, sequence number 0. */
static void rfc_9180_a_1_1(void)
{
    uint8_t ephemeral[32], receiver[32], private_key[32], info[20], aad[7], text[29], wanted[29], wanted_tag[16];
    uint8_t wanted_enc[32], enc[32], tag[16];
    static const char plaintext[] = "Beauty is truth, truth beauty";
    unhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736", ephemeral);
    unhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431", wanted_enc);
    unhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d", receiver);
    unhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8", private_key);
    unhex("4f6465206f6e2061204772656369616e2055726e", info);
    unhex("436f756e742d30", aad);
    unhex("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218", wanted);
    unhex("a355a96d8770ac83d07bea87e13c512a", wanted_tag);
    memcpy(text, plaintext, sizeof text);
    EXPECT(ora_hpke_seal_with(ephemeral, receiver, span(info, sizeof info), span(aad, sizeof aad), text, sizeof text,
                              enc, tag));
    EXPECT(memcmp(enc, wanted_enc, sizeof enc) == 0);
    EXPECT(memcmp(text, wanted, sizeof text) == 0);
    EXPECT(memcmp(tag, wanted_tag, sizeof tag) == 0);
    EXPECT(ora_hpke_open(private_key, enc, span(info, sizeof info), span(aad, sizeof aad), text, sizeof text, tag));
    EXPECT(memcmp(text, plaintext, sizeof text) == 0);
    aad[0] ^= 1;
    EXPECT(!ora_hpke_open(private_key, enc, span(info, sizeof info), span(aad, sizeof aad), text, sizeof text, tag));
}

typedef struct {
    uint8_t seed[ORA_KEY_BYTES], public_key[ORA_KEY_BYTES], peer_id[ORA_ID_BYTES];
    ora_sealing_key_t key;
    uint8_t sealing_public[ORA_KEY_BYTES];
    ora_receiver_t receiver;
} pair_t;

static bool only_sender(void *context, const uint8_t peer_id[ORA_ID_BYTES], uint8_t public_key[ORA_KEY_BYTES])
{
    const pair_t *pair = (const pair_t *)context;
    memcpy(public_key, pair->public_key, ORA_KEY_BYTES);
    return memcmp(pair->peer_id, peer_id, ORA_ID_BYTES) == 0;
}

static void make_pair(pair_t *pair)
{
    memset(pair, 0, sizeof *pair);
    EXPECT(ora_port_random(pair->seed, sizeof pair->seed));
    EXPECT(ora_port_sign_public(pair->seed, pair->public_key));
    EXPECT(ora_peer_id(pair->public_key, pair->peer_id));
    EXPECT(ora_port_random(pair->key.private_key, ORA_KEY_BYTES));
    EXPECT(ora_port_x25519_public(pair->key.private_key, pair->sealing_public));
    pair->key.key_epoch = 3;
    pair->key.suite = ORA_SUITE_SMALL;
    memcpy(pair->receiver.hub_id, HUB, sizeof HUB);
    pair->receiver.sender_kind = ora_relay_v1_SenderKind_SENDER_KIND_APP;
    pair->receiver.keys = &pair->key;
    pair->receiver.key_count = 1;
    pair->receiver.sender = only_sender;
    pair->receiver.context = pair;
}

static ora_relay_v1_RouteHeader header_of(const pair_t *pair)
{
    ora_relay_v1_RouteHeader header = ora_relay_v1_RouteHeader_init_zero;
    header.version = 1;
    memcpy(header.hub_id, HUB, sizeof HUB);
    EXPECT(ora_message_id(1790000000000u, header.message_id));
    header.sender_kind = ora_relay_v1_SenderKind_SENDER_KIND_APP;
    memcpy(header.peer_id, pair->peer_id, ORA_ID_BYTES);
    header.class_ = ora_relay_v1_EnvelopeClass_ENVELOPE_CLASS_TUNNEL;
    header.created_ms = 1790000000000u;
    header.key_epoch = pair->key.key_epoch;
    return header;
}

static void what_is_sealed_opens(void)
{
    static uint8_t said[65000];
    static const size_t lengths[] = {0, 1, 137, 138, 127, 128, 16383, 16384, 65000};
    pair_t pair;
    make_pair(&pair);
    memset(said, 0x80, sizeof said);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        ora_relay_v1_RouteHeader header = header_of(&pair), seen;
        ora_span_t payload;
        size_t size;
        EXPECT(ora_envelope_seal(&header, span(said, lengths[i]), pair.seed, pair.sealing_public, work, sizeof work,
                                 out, sizeof out, &size) == ORA_OK);
        EXPECT(ora_envelope_open(span(out, size), &pair.receiver, work, sizeof work, &seen, &payload) == ORA_OK);
        EXPECT(payload.size == lengths[i] && memcmp(payload.data, said, payload.size) == 0);
        EXPECT(memcmp(&header, &seen, sizeof header) == 0);
    }
    EXPECT(header_of(&pair).message_id[6] >> 4 == 7);
}

static void what_does_not_fit_is_refused(void)
{
    static uint8_t said[65001];
    pair_t pair;
    ora_relay_v1_RouteHeader header;
    ora_span_t payload;
    size_t size;
    make_pair(&pair);
    header = header_of(&pair);
    EXPECT(ora_envelope_seal(&header, span(said, sizeof said), pair.seed, pair.sealing_public, work, sizeof work, out,
                             sizeof out, &size) == ORA_PAYLOAD_TOO_LARGE);
    for (size_t capacity = 0; capacity < ORA_SEALED_BYTES(0); capacity += 17) {
        EXPECT(ora_envelope_seal(&header, span(said, 10), pair.seed, pair.sealing_public, work, sizeof work, out,
                                 capacity, &size) == ORA_PAYLOAD_TOO_LARGE);
    }
    EXPECT(ora_envelope_seal(&header, span(said, 100), pair.seed, pair.sealing_public, work, 60, out, sizeof out,
                             &size) == ORA_PAYLOAD_TOO_LARGE);
    EXPECT(ora_envelope_seal(&header, span(said, 100), pair.seed, pair.sealing_public, work, sizeof work, out,
                             sizeof out, &size) == ORA_OK);
    for (size_t room = 0; room < ORA_SEALED_BYTES(0) - ORA_SEAL_OVERHEAD; room += 13) {
        EXPECT(ora_envelope_open(span(out, size), &pair.receiver, work, room, &header, &payload) ==
               ORA_PAYLOAD_TOO_LARGE);
    }
}

/* nanopb gives a callback field of another wire type in a buffer on its own stack. */
static void nothing_points_out_of_the_buffer(void)
{
    static const uint8_t sealed_as_number[] = {0x0a, 0x01, 0x00, 0x10, 0x05};
    static const uint8_t statement_in_a_sideload_head[] = {0x0a, 0x02, 0x08, 0x07};
    static const uint8_t nodes_as_number[] = {0x08, 0x01, 0x10, 0x05};
    ora_any_t message;
    EXPECT(!ora_decode_unchecked(ORA_RELAY_V1_ENVELOPE, sealed_as_number, sizeof sealed_as_number, &message));
    EXPECT(!ora_decode_unchecked(ORA_FLEET_V1_SIDELOAD_HEAD, statement_in_a_sideload_head,
                                 sizeof statement_in_a_sideload_head, &message));
    EXPECT(!ora_decode_unchecked(ORA_BACKUP_V1_LAYOUT, nodes_as_number, sizeof nodes_as_number, &message));
}

/* Every cut and every flipped bit of a layout is read to an end, whatever it is. */
static void a_spoilt_list_ends(void)
{
    static const uint8_t layout[] = {0x08, 0x01, 0x12, 0x04, 0x08, 0x01, 0x28, 0x03, 0x1a, 0x02, 0x08,
                                     0x01, 0x12, 0x02, 0x08, 0x02, 0x22, 0x02, 0x08, 0x01};
    uint8_t spoilt[sizeof layout];
    ora_backup_v1_Layout message;
    ora_backup_v1_Node node;
    EXPECT(ora_decode(ORA_BACKUP_V1_LAYOUT, layout, sizeof layout, &message));
    EXPECT(message.nodes.count == 2 && message.floors_count == 1 && message.rooms.count == 1);
    EXPECT(ora_list_next(&message.nodes, ora_backup_v1_Node_fields, &node) && node.ordinal == 1);
    EXPECT(ora_list_next(&message.nodes, ora_backup_v1_Node_fields, &node) && node.ordinal == 2);
    EXPECT(!ora_list_next(&message.nodes, ora_backup_v1_Node_fields, &node) && message.nodes.count == 0);
    for (size_t cut = 0; cut < sizeof layout; cut++) {
        for (unsigned bit = 0; bit < 8 * sizeof layout; bit++) {
            memcpy(spoilt, layout, sizeof layout);
            spoilt[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            if (ora_decode_unchecked(ORA_BACKUP_V1_LAYOUT, spoilt, sizeof spoilt - cut, &message)) {
                unsigned steps = 0;
                while (ora_list_next(&message.nodes, ora_backup_v1_Node_fields, &node)) {
                    steps++;
                }
                EXPECT(steps <= sizeof layout);
            }
        }
    }
}

static void a_record_is_signed_and_read(void)
{
    static uint8_t scratch[ORA_RECORD_WORK_BYTES], encoded[ORA_RECORD_WORK_BYTES + 100];
    ora_fleet_v1_ConsentStatement consent = ora_fleet_v1_ConsentStatement_init_zero, seen;
    ora_common_v1_SignedRecord record;
    uint8_t seed[ORA_KEY_BYTES], public_key[ORA_KEY_BYTES];
    size_t size;
    EXPECT(ora_port_random(seed, sizeof seed) && ora_port_sign_public(seed, public_key));
    EXPECT(ora_record_sign(ORA_FLEET_V1_CONSENT_STATEMENT, &consent, seed, scratch, &record) == ORA_MALFORMED);
    memcpy(consent.hub_id, HUB, sizeof HUB);
    consent.owner_epoch = 1;
    consent.sequence = 7;
    consent.capabilities_count = 2;
    consent.capabilities[0] = ora_common_v1_Capability_CAPABILITY_RELAY;
    consent.capabilities[1] = ora_common_v1_Capability_CAPABILITY_RELAY;
    EXPECT(ora_record_sign(ORA_FLEET_V1_CONSENT_STATEMENT, &consent, seed, scratch, &record) == ORA_MALFORMED);
    consent.capabilities[1] = ora_common_v1_Capability_CAPABILITY_TELEMETRY;
    EXPECT(ora_record_sign(ORA_FLEET_V1_CONSENT_STATEMENT, &consent, seed, scratch, &record) == ORA_OK);
    EXPECT(ora_encode(ORA_COMMON_V1_SIGNED_RECORD, &record, encoded, sizeof encoded, &size));
    EXPECT(ora_record_open(ORA_FLEET_V1_CONSENT_STATEMENT, span(encoded, size), public_key, scratch, &seen) == ORA_OK);
    EXPECT(memcmp(&consent, &seen, sizeof seen) == 0);
    EXPECT(ora_record_open(ORA_FLEET_V1_PEER_LIST_STATEMENT, span(encoded, size), public_key, scratch, &seen) ==
           ORA_RECORD_SIGNATURE);
    EXPECT(!ora_encode(ORA_COMMON_V1_SIGNED_RECORD, &record, encoded, 20, &size));
}

static void text_is_counted_in_characters(void)
{
    static const char *const good[] = {"ora-hub-1", "Hüb", "\xF0\x9F\x8F\xA0"};
    static const char *const bad[] = {"", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "a\xC3"};
    ora_fleet_v1_BootReport report = ora_fleet_v1_BootReport_init_zero;
    report.slot = ora_fleet_v1_Slot_SLOT_A;
    strcpy(report.hardware_model, "x");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        strcpy(report.firmware_version, good[i]);
        EXPECT(ora_check(ORA_FLEET_V1_BOOT_REPORT, &report));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        strcpy(report.firmware_version, bad[i]);
        EXPECT(!ora_check(ORA_FLEET_V1_BOOT_REPORT, &report));
    }
    for (size_t i = 0; i < 33; i++) {
        memcpy(report.firmware_version + 3 * i, "\xE2\x82\xAC", 4);
        EXPECT(ora_check(ORA_FLEET_V1_BOOT_REPORT, &report) == (i < 32));
    }
}

int main(void)
{
    rfc_9180_a_1_1();
    what_is_sealed_opens();
    what_does_not_fit_is_refused();
    nothing_points_out_of_the_buffer();
    a_spoilt_list_ends();
    a_record_is_signed_and_read();
    text_is_counted_in_characters();
    printf("%d failures\n", failures);
    return failures > 0;
}
