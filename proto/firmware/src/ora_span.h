/* Owns the two ways in which a struct points into the buffer it was decoded from, instead of holding a copy:
 * a long bytes field (ora_span_t), and a list that is walked through (ora_list_t). Allocates nothing. */
#ifndef ORA_SPAN_H
#define ORA_SPAN_H

#include <pb.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that somebody else holds. Valid as long as that buffer is. */
typedef struct {
    const uint8_t *data;
    size_t size;
} ora_span_t;

/* Writes the elements of a list, each by ora_list_write. Runs twice for a nested message: to measure and to write. */
typedef bool (*ora_list_source_t)(pb_ostream_t *stream, const pb_field_t *field, void *context);

/* A list of messages. Decoded: where its elements are; walk through it by ora_list_next. To encode: set `source`. */
typedef struct {
    const uint8_t *data; /* the first element */
    const uint8_t *end;  /* behind the last one */
    size_t first_size;   /* of the first element */
    uint32_t tag;
    uint32_t count;
    ora_list_source_t source;
    void *context;
} ora_list_t;

/* Decodes the next element of `list` and shortens the list by it; false at its end, and when an element does not
 * decode, which leaves `list->count` above 0. */
bool ora_list_next(ora_list_t *list, const pb_msgdesc_t *fields, void *element);

/* Writes one element; called by a source. */
bool ora_list_write(pb_ostream_t *stream, const pb_field_t *field, const void *element);

/* nanopb calls this for spans and lists. */
bool ora_field(pb_istream_t *istream, pb_ostream_t *ostream, const pb_field_t *field);

#ifdef __cplusplus
}
#endif

#endif
