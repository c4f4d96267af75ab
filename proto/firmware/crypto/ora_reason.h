/* Owns the names of everything that can be wrong with an envelope or a record: those of the SDK (sdk/errors.py). */
#ifndef ORA_REASON_H
#define ORA_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    ORA_OK,
    ORA_MALFORMED,         /* no such message, or a length that cannot be */
    ORA_SUITE_UNKNOWN,     /* a suite that this build does not open */
    ORA_WRONG_KEY,         /* sealed to another suite or key epoch than the receiver's */
    ORA_WRONG_HEADER,      /* for another version, Hub or direction */
    ORA_TAMPERED,          /* header or sealed bytes were changed, or the key is another */
    ORA_BAD_PADDING,       /* not 0x80 and zeros, or not the bucket's length */
    ORA_SENDER_UNKNOWN,    /* no such peer */
    ORA_SENDER_SIGNATURE,  /* signed by another key, or for another header */
    ORA_PAYLOAD_TOO_LARGE, /* it fits in no bucket, or not in the buffers given */
    ORA_RECORD_SIGNATURE,  /* another key, another context, or changed bytes */
    ORA_NOT_DONE           /* the port said no: randomness, or a key that is none */
} ora_reason_t;

/* Returns the stable name, fit for a log. */
const char *ora_reason_name(ora_reason_t reason);

#ifdef __cplusplus
}
#endif

#endif
