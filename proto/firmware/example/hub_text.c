#define _POSIX_C_SOURCE 200809L
#include "hub_text.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char DIGITS[] = "0123456789abcdef";

void hex_of(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        *text++ = DIGITS[bytes[i] >> 4];
        *text++ = DIGITS[bytes[i] & 15];
    }
    *text = 0;
}

bool hex_to(const char *text, uint8_t *bytes, size_t size)
{
    if (strlen(text) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < 2 * size; i++) {
        const char *digit = strchr(DIGITS, text[i]);
        if (digit == NULL) {
            return false;
        }
        const unsigned value = (unsigned)(digit - DIGITS);
        bytes[i / 2] = (uint8_t)(i % 2 ? bytes[i / 2] | value : value << 4);
    }
    return true;
}

void base64_of(const uint8_t *bytes, size_t size, char *text)
{
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)size);
}

bool base64_to(const char *text, uint8_t *bytes, size_t capacity, size_t *size)
{
    const size_t length = strlen(text);
    size_t padding = 0;
    if (length == 0 || length % 4 != 0 || length / 4 * 3 > capacity) {
        return false;
    }
    while (padding < 2 && text[length - 1 - padding] == '=') {
        padding++;
    }
    const int read = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    if (read < 0) {
        return false;
    }
    *size = (size_t)read - padding;
    return true;
}

void uuid_of(const uint8_t id[16], char text[HUB_NAME_BYTES])
{
    static const size_t parts[] = {4, 2, 2, 2, 6};
    for (size_t i = 0, at = 0; i < 5; at += parts[i++]) {
        hex_of(id + at, parts[i], text);
        text += 2 * parts[i];
        *text++ = '-';
    }
    text[-1] = 0;
}

bool uuid_to(const char *text, uint8_t id[16])
{
    char plain[33], again[HUB_NAME_BYTES];
    size_t at = 0;
    for (const char *each = text; *each != 0; each++) {
        if (*each != '-') {
            if (at == 32) {
                return false;
            }
            plain[at++] = *each;
        }
    }
    plain[at] = 0;
    if (!hex_to(plain, id, 16)) {
        return false;
    }
    uuid_of(id, again);
    return strcmp(text, again) == 0;
}

uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void tell(const char *hub, const char *event, const char *facts, ...)
{
    va_list arguments;
    printf("{\"at_ms\": %llu, \"hub\": \"%s\", \"event\": \"%s\"", (unsigned long long)now_ms(), hub, event);
    if (*facts != 0) {
        printf(", ");
    }
    va_start(arguments, facts);
    vprintf(facts, arguments);
    va_end(arguments);
    printf("}\n");
    fflush(stdout);
}

const char *harmless(const char *said, char *text, size_t capacity)
{
    size_t at = 0;
    for (; said != NULL && *said != 0 && at + 1 < capacity; said++) {
        if (*said >= ' ' && *said <= '~' && *said != '"' && *said != '\\') {
            text[at++] = *said;
        }
    }
    text[at] = 0;
    return text;
}
