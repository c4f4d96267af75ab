#include "ora_message.h"

#include <pb_common.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <string.h>

#include "ora_contract.h"

const ora_message_t *ora_message_of(const pb_msgdesc_t *fields)
{
    for (size_t i = 0; i < ORA_MESSAGE_COUNT; i++) {
        if (ora_messages[i].fields == fields) {
            return &ora_messages[i];
        }
    }
    return NULL;
}

static bool within(uint64_t value, const ora_rule_t *rule)
{
    return value >= rule->low && value <= rule->high;
}

/* Counts the characters of UTF-8 (RFC 3629); false where it is none. */
static bool characters(const char *text, uint64_t *count)
{
    const uint8_t *at = (const uint8_t *)text;
    for (*count = 0; *at != 0; (*count)++) {
        const uint8_t lead = *at++;
        uint32_t point;
        unsigned more;
        if (lead < 0x80) {
            continue;
        }
        if (lead >= 0xC2 && lead < 0xE0) {
            point = lead & 0x1Fu;
            more = 1;
        } else if (lead >= 0xE0 && lead < 0xF0) {
            point = lead & 0x0Fu;
            more = 2;
        } else if (lead >= 0xF0 && lead < 0xF5) {
            point = lead & 0x07u;
            more = 3;
        } else {
            return false;
        }
        for (unsigned i = 0; i < more; i++, at++) {
            if ((*at & 0xC0) != 0x80) {
                return false;
            }
            point = (point << 6) | (*at & 0x3Fu);
        }
        if ((more == 2 && point < 0x800) || (more == 3 && (point < 0x10000 || point > 0x10FFFF)) ||
            (point >= 0xD800 && point < 0xE000)) {
            return false;
        }
    }
    return true;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

static bool length_holds(const pb_field_iter_t *field, const uint8_t *data, const ora_rule_t *rule)
{
    if (PB_ATYPE(field->type) == PB_ATYPE_CALLBACK) {
        return within(((const ora_span_t *)(const void *)data)->size, rule);
    }
    if (PB_LTYPE(field->type) == PB_LTYPE_FIXED_LENGTH_BYTES) {
        return within(is_zero(data, field->data_size) ? 0 : field->data_size, rule);
    }
    return within(((const pb_bytes_array_t *)(const void *)data)->size, rule);
}

static uint64_t number(const uint8_t *data, size_t size, bool is_signed)
{
    uint32_t narrow;
    uint64_t wide;
    switch (size) {
    case sizeof narrow:
        memcpy(&narrow, data, sizeof narrow);
        return is_signed ? (uint64_t)(int64_t)(int32_t)narrow : narrow;
    case sizeof wide:
        memcpy(&wide, data, sizeof wide);
        return wide;
    default:
        return *data; /* an enum that a compiler made short */
    }
}

static bool value_holds(const pb_field_iter_t *field, const uint8_t *data, const ora_rule_t *rule)
{
    uint64_t value;
    switch (rule->kind) {
    case ORA_RULE_LENGTH:
        return length_holds(field, data, rule);
    case ORA_RULE_TEXT:
        return characters((const char *)data, &value) && within(value, rule);
    case ORA_RULE_UNSIGNED:
        return within(number(data, field->data_size, false), rule);
    case ORA_RULE_SIGNED: {
        const int64_t signed_value = (int64_t)number(data, field->data_size, true);
        return signed_value >= (int64_t)rule->low && signed_value <= (int64_t)rule->high;
    }
    default:
        return false;
    }
}

static uint64_t entries(const pb_field_iter_t *field)
{
    if (PB_ATYPE(field->type) == PB_ATYPE_CALLBACK) {
        return ((const ora_list_t *)field->pData)->count;
    }
    return *(const pb_size_t *)field->pSize;
}

static bool no_entry_twice(const pb_field_iter_t *field)
{
    const uint8_t *data = (const uint8_t *)field->pData;
    const uint64_t count = entries(field);
    for (uint64_t i = 1; i < count; i++) {
        for (uint64_t j = 0; j < i; j++) {
            if (memcmp(data + i * field->data_size, data + j * field->data_size, field->data_size) == 0) {
                return false;
            }
        }
    }
    return true;
}

static bool is_absent(const pb_field_iter_t *field)
{
    return PB_HTYPE(field->type) == PB_HTYPE_OPTIONAL && field->pSize != NULL && !*(const bool *)field->pSize;
}

static bool rule_holds(const pb_field_iter_t *field, const ora_rule_t *rule)
{
    const bool repeated = PB_HTYPE(field->type) == PB_HTYPE_REPEATED;
    switch (rule->kind) {
    case ORA_RULE_ITEMS: {
        const ora_list_t *list = (const ora_list_t *)field->pData;
        if (PB_ATYPE(field->type) == PB_ATYPE_CALLBACK && list->source != NULL) {
            return true; /* what is to be written is not counted yet */
        }
        return within(entries(field), rule);
    }
    case ORA_RULE_UNIQUE:
        return no_entry_twice(field);
    case ORA_RULE_PRESENT:
        return !is_absent(field);
    default:
        break;
    }
    if (is_absent(field)) {
        return true;
    }
    const uint64_t count = repeated ? entries(field) : 1;
    for (uint64_t i = 0; i < count; i++) {
        if (!value_holds(field, (const uint8_t *)field->pData + i * field->data_size, rule)) {
            return false;
        }
    }
    return true;
}

static bool inside(const void *data, size_t size, const ora_span_t *origin)
{
    const uintptr_t start = (uintptr_t)origin->data, at = (uintptr_t)data;
    return size == 0 || (at >= start && size <= origin->size && at - start <= origin->size - size);
}

static bool points_inside(const pb_field_iter_t *field, const ora_span_t *origin)
{
    if (PB_LTYPE(field->type) == PB_LTYPE_SUBMESSAGE) {
        const ora_list_t *list = (const ora_list_t *)field->pData;
        return list->count == 0 ||
               (inside(list->data, list->first_size, origin) && (uintptr_t)list->end >= (uintptr_t)list->data &&
                inside(list->data, (size_t)((uintptr_t)list->end - (uintptr_t)list->data), origin));
    }
    const ora_span_t *span = (const ora_span_t *)field->pData;
    return inside(span->data, span->size, origin);
}

/* Tells whether every span and list of a message, and of the messages in it, points into the buffer it came from. */
static bool walk(const pb_msgdesc_t *fields, const void *message, const ora_span_t *origin)
{
    pb_field_iter_t field;
    if (!pb_field_iter_begin_const(&field, fields, message)) {
        return true;
    }
    do {
        if (PB_ATYPE(field.type) == PB_ATYPE_CALLBACK) {
            if (!points_inside(&field, origin)) {
                return false;
            }
        } else if (PB_LTYPE(field.type) == PB_LTYPE_SUBMESSAGE && !is_absent(&field)) {
            const uint64_t count = PB_HTYPE(field.type) == PB_HTYPE_REPEATED ? entries(&field) : 1;
            for (uint64_t i = 0; i < count; i++) {
                if (!walk(field.submsg_desc, (const uint8_t *)field.pData + i * field.data_size, origin)) {
                    return false;
                }
            }
        }
    } while (pb_field_iter_next(&field));
    return true;
}

static bool rules_hold(const ora_message_t *kind, const void *message)
{
    pb_field_iter_t field;
    if (!pb_field_iter_begin_const(&field, kind->fields, message)) {
        return true;
    }
    for (size_t i = 0; i < kind->rule_count; i++) {
        if (!pb_field_iter_find(&field, kind->rules[i].tag) || !rule_holds(&field, &kind->rules[i])) {
            return false;
        }
    }
    return true;
}

bool ora_check(const ora_message_t *kind, const void *message)
{
    pb_field_iter_t field;
    if (!rules_hold(kind, message)) {
        return false;
    }
    if (!pb_field_iter_begin_const(&field, kind->fields, message)) {
        return true;
    }
    do {
        if (PB_LTYPE(field.type) != PB_LTYPE_SUBMESSAGE || PB_ATYPE(field.type) == PB_ATYPE_CALLBACK ||
            is_absent(&field)) {
            continue;
        }
        const ora_message_t *held = ora_message_of(field.submsg_desc);
        const uint64_t count = PB_HTYPE(field.type) == PB_HTYPE_REPEATED ? entries(&field) : 1;
        for (uint64_t i = 0; i < count; i++) {
            if (held == NULL || !ora_check(held, (const uint8_t *)field.pData + i * field.data_size)) {
                return false;
            }
        }
    } while (pb_field_iter_next(&field));
    return true;
}

bool ora_decode_unchecked(const ora_message_t *kind, const uint8_t *buffer, size_t size, void *message)
{
    const ora_span_t origin = {buffer, size};
    pb_istream_t stream = pb_istream_from_buffer(buffer, size);
    memset(message, 0, kind->struct_size);
    /* A field of another wire type is given to ora_field in a buffer of nanopb's own: nothing may point there. */
    return pb_decode(&stream, kind->fields, message) && walk(kind->fields, message, &origin);
}

bool ora_decode(const ora_message_t *kind, const uint8_t *buffer, size_t size, void *message)
{
    return ora_decode_unchecked(kind, buffer, size, message) && ora_check(kind, message);
}

bool ora_encode(const ora_message_t *kind, const void *message, uint8_t *buffer, size_t capacity, size_t *size)
{
    pb_ostream_t stream = pb_ostream_from_buffer(buffer, capacity);
    *size = 0;
    if (!ora_check(kind, message) || !pb_encode(&stream, kind->fields, message)) {
        return false;
    }
    *size = stream.bytes_written;
    return true;
}
