/* Owns the way between bytes and structs: decode, encode, and the contract's own rules, which both apply.
 * Nothing here allocates; what a struct points at stays in the caller's buffer. */
#ifndef ORA_MESSAGE_H
#define ORA_MESSAGE_H

#include "ora_span.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ORA_RULE_LENGTH,   /* of bytes */
    ORA_RULE_TEXT,     /* of a string, in characters; it must be UTF-8 */
    ORA_RULE_UNSIGNED, /* value */
    ORA_RULE_SIGNED,   /* value; the ends are its two's complement */
    ORA_RULE_ITEMS,    /* entries of a list */
    ORA_RULE_UNIQUE,   /* no entry twice */
    ORA_RULE_PRESENT   /* a message must be there */
} ora_rule_kind_t;

/* One rule for one field; both ends are included. */
typedef struct {
    uint32_t tag;
    ora_rule_kind_t kind;
    uint64_t low;
    uint64_t high;
} ora_rule_t;

/* What is known of one message of the contract. */
typedef struct {
    const char *name;
    const pb_msgdesc_t *fields;
    size_t struct_size;
    const ora_rule_t *rules;
    size_t rule_count;
    const char *context; /* of a statement's signature; NULL: it is no statement */
} ora_message_t;

/* Reads `size` bytes into `message`, a struct of this kind, and checks its rules. Spans and lists point into `buffer`.
 * A field that this version does not know is passed over. False: the bytes are no such message, or break a rule. */
bool ora_decode(const ora_message_t *kind, const uint8_t *buffer, size_t size, void *message);

/* The same without the rules of values and lengths; sizes still hold. For who has to name what is wrong. */
bool ora_decode_unchecked(const ora_message_t *kind, const uint8_t *buffer, size_t size, void *message);

/* Checks the rules, then writes at most `capacity` bytes; `*size` is how many there are. Fields go out in the order of
 * their numbers, so equal structs give equal bytes. */
bool ora_encode(const ora_message_t *kind, const void *message, uint8_t *buffer, size_t capacity, size_t *size);

/* Checks the rules of `message` and of everything that it holds. Elements of an ora_list_t are checked by whoever
 * walks through it. A bytes field of one exact length that is all zero counts as absent. */
bool ora_check(const ora_message_t *kind, const void *message);

/* Returns what is known of the message with this descriptor; NULL: it is none of the contract's. */
const ora_message_t *ora_message_of(const pb_msgdesc_t *fields);

#ifdef __cplusplus
}
#endif

#endif
