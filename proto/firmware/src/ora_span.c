#include "ora_span.h"

#include <pb_decode.h>
#include <pb_encode.h>

/* nanopb's stream over a buffer keeps its place in `state`. */
static const uint8_t *place(const pb_istream_t *stream)
{
    return (const uint8_t *)stream->state;
}

static bool take(pb_istream_t *stream, const pb_field_t *field)
{
    const uint8_t *data = place(stream);
    const size_t size = stream->bytes_left;

    if (PB_LTYPE(field->type) == PB_LTYPE_SUBMESSAGE) {
        ora_list_t *list = (ora_list_t *)field->pData;
        if (list->count == 0) {
            list->data = data;
            list->first_size = size;
            list->tag = field->tag;
        }
        list->end = data + size;
        list->count++;
    } else {
        ora_span_t *span = (ora_span_t *)field->pData;
        span->data = data;
        span->size = size;
    }
    return pb_read(stream, NULL, size);
}

static bool give(pb_ostream_t *stream, const pb_field_t *field)
{
    if (PB_LTYPE(field->type) == PB_LTYPE_SUBMESSAGE) {
        const ora_list_t *list = (const ora_list_t *)field->pData;
        return list->source == NULL || list->source(stream, field, list->context);
    }
    const ora_span_t *span = (const ora_span_t *)field->pData;
    if (span->size == 0) {
        return true; /* proto3 writes no field that is empty */
    }
    return pb_encode_tag_for_field(stream, field) && pb_encode_string(stream, span->data, span->size);
}

bool ora_field(pb_istream_t *istream, pb_ostream_t *ostream, const pb_field_t *field)
{
    return istream != NULL ? take(istream, field) : give(ostream, field);
}

bool ora_list_next(ora_list_t *list, const pb_msgdesc_t *fields, void *element)
{
    if (list->count == 0) {
        return false;
    }
    pb_istream_t stream = pb_istream_from_buffer(list->data, list->first_size);
    if (!pb_decode(&stream, fields, element)) {
        return false;
    }
    list->count--;
    /* What follows belongs to the message around the list: further elements, and perhaps other fields among them. */
    const uint8_t *behind = list->data + list->first_size;
    stream = pb_istream_from_buffer(behind, (size_t)(list->end - behind));
    while (stream.bytes_left > 0) {
        pb_wire_type_t wire_type;
        uint32_t tag;
        uint32_t size;
        bool ended;
        if (!pb_decode_tag(&stream, &wire_type, &tag, &ended)) {
            return false;
        }
        if (tag != list->tag || wire_type != PB_WT_STRING) {
            if (!pb_skip_field(&stream, wire_type)) {
                return false;
            }
            continue;
        }
        if (!pb_decode_varint32(&stream, &size) || size > stream.bytes_left) {
            return false;
        }
        list->data = place(&stream);
        list->first_size = size;
        break;
    }
    return true;
}

bool ora_list_write(pb_ostream_t *stream, const pb_field_t *field, const void *element)
{
    return pb_encode_tag_for_field(stream, field) && pb_encode_submessage(stream, field->submsg_desc, element);
}
