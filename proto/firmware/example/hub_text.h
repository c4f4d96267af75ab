/* Owns small text: hex, base64, UUIDs, and events as JSON lines on standard output. */
#ifndef HUB_TEXT_H
#define HUB_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUB_NAME_BYTES 37 /* a UUID and its terminator */

/* Writes 2·size characters and a terminator. */
void hex_of(const uint8_t *bytes, size_t size, char *text);
/* Reads exactly `size` bytes of hex. */
bool hex_to(const char *text, uint8_t *bytes, size_t size);
/* Writes base64 with padding and a terminator; `text` holds at least 4·((size + 2) / 3) + 1. */
void base64_of(const uint8_t *bytes, size_t size, char *text);
/* Reads base64; false where it is none or longer than `capacity`. */
bool base64_to(const char *text, uint8_t *bytes, size_t capacity, size_t *size);

/* The 36 characters of a UUID in lower case; no other spelling is read. */
void uuid_of(const uint8_t id[16], char text[HUB_NAME_BYTES]);
bool uuid_to(const char *text, uint8_t id[16]);

/* Milliseconds since 1970. */
uint64_t now_ms(void);

/* Prints one event, at once: an observer must see it before the PUBACK leaves. `facts` is the inside of a JSON object,
 * printf style; strings in it are ours or hex. */
void tell(const char *hub, const char *event, const char *facts, ...) __attribute__((format(printf, 3, 4)));

/* Copies what a server said for a JSON string: printable ASCII without quotes and backslashes. */
const char *harmless(const char *said, char *text, size_t capacity);

#endif
