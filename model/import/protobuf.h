/*
 * protobuf.h - the wire format of Protocol Buffers, read where it lies.
 *
 * A message is a sequence of fields: a tag, which is a varint of number * 8 + type, and a value. What a field means,
 * and whether it may come twice, is up to the reader of the message; here is only how long it is.
 */
#ifndef LSQ_MODEL_IMPORT_PROTOBUF_H
#define LSQ_MODEL_IMPORT_PROTOBUF_H

#include "model/model.h"

/* Types of fields, as numbered in a tag. Bytes are strings, messages, and numbers packed one behind the other. */
enum { LSQ_VARINT = 0, LSQ_FIXED64 = 1, LSQ_BYTES = 2, LSQ_FIXED32 = 5 };

/* Where the parser stands in a message. Nothing is read at or past `end`. */
typedef struct lsq_message {
    const lsq_mapping *file;
    const char *name; /* of its type, for errors */
    size_t at, end;
    int nested; /* in another message; the outermost one ends where the file does */
    lsq_error *err;
} lsq_message;

typedef struct lsq_field {
    uint32_t number; /* 0: there is none */
    unsigned type;
    size_t at, size; /* where its value lies in the file; that of bytes without their length */
    uint64_t value;  /* of the other types */
} lsq_field;

/*
 * Steps over the next field; at the end of the message field->number is 0. LSQ_E_TRUNCATED where the file ends before
 * the outermost message does, LSQ_E_MALFORMED for all else.
 */
lsq_status lsq_field_next(lsq_message *message, lsq_field *field);

/* Keeps a field that a message may have once, with a value of that type. LSQ_E_MALFORMED. */
lsq_status lsq_field_once(const lsq_message *message, const lsq_field *field, unsigned type, lsq_field *kept);

/* The message inside a field of type LSQ_BYTES; of another type: LSQ_E_MALFORMED. */
lsq_status lsq_field_message(const lsq_message *message, const lsq_field *field, const char *name, lsq_message *inner);

/* The bytes of a field, and whether they are that text. */
const uint8_t *lsq_field_bytes(const lsq_message *message, const lsq_field *field);
int lsq_field_is(const lsq_message *message, const lsq_field *field, const char *text);

/*
 * The numbers of one field, of that type: many if they are packed, or one, which looks the same but for its tag. *count
 * is how many. LSQ_E_MALFORMED.
 */
lsq_status lsq_field_numbers(const lsq_message *message, const lsq_field *field, unsigned type, lsq_message *numbers,
                             uint64_t *count);

/* The next of those numbers. There must be one: numbers->at is before numbers->end. LSQ_E_MALFORMED. */
lsq_status lsq_number_next(lsq_message *numbers, unsigned type, uint64_t *value);

#endif
