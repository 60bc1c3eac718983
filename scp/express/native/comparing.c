/* Is this C-STORE like the one before? Its command set (PS3.7 9.3.1.1), and the head of its data set.

   Alike means: the same bytes in everything that Python would look at, but for the SOP Instance UID and the
   message ID. So nothing has to be understood here that Python has not understood in the model; what is out of
   the ordinary is unlike, and Python's. */

#include "express.h"

#include <string.h>

enum { GROUP_LENGTH_BYTES = 8, C_STORE_RQ = 0x0001, NO_DATA_SET = 0x0101, DEPTH = 8 };

/* As scp/upper_layer and dicomhub/standard/data_set_head.py want them, in ascending order. */
enum { CHARACTER_SET, SOP_CLASS, SOP_INSTANCE, PATIENT_ID, ISSUER, STUDY, SERIES };
static const uint32_t wanted_tags[WANTED] = {
    0x00080005, 0x00080016, 0x00080018, 0x00100020, 0x00100021, 0x0020000D, 0x0020000E,
};
static const uint32_t UNDEFINED_LENGTH = 0xFFFFFFFF;
static const uint32_t ITEM = 0xFFFEE000, ITEM_DELIMITATION = 0xFFFEE00D, SEQUENCE_DELIMITATION = 0xFFFEE0DD;

static int is_same(struct span a, struct span b)
{
    return a.length == b.length && (!a.length || !memcmp(a.bytes, b.bytes, (size_t)a.length));
}

/* Take a UID as most write it, padded to an even length by one NUL; the path is made of it, so digits and dots
   only, and a digit among them. */
static int take_uid(struct express *x, struct span value)
{
    int64_t length = value.length;
    int has_digit = 0;
    if (length && !value.bytes[length - 1])
        length--;
    if (length < 1 || length > UID_BYTES || (length + 1) / 2 * 2 != value.length)
        return 0;
    for (int64_t i = 0; i < length; i++) {
        uint8_t c = value.bytes[i];
        if (c >= '0' && c <= '9')
            has_digit = 1;
        else if (c != '.')
            return 0;
    }
    memcpy(x->uid, value.bytes, (size_t)length);
    memset(x->uid + length, 0, sizeof x->uid - (size_t)length);
    return has_digit;
}

int is_command_alike(struct express *x, struct span command)
{
    enum { CLASS = 1, FIELD = 2, ID = 4, TYPE = 8, INSTANCE = 16, ALL = 31 };
    int seen = 0;
    int64_t at = 0;
    while (at + 8 <= command.length) {
        const uint8_t *b = command.bytes + at;
        uint16_t element = little_endian_16(b + 2);
        uint32_t length = little_endian_32(b + 4);
        int this = 0;
        if (little_endian_16(b) != 0x0000 || length > command.length - at - 8)
            return 0;
        struct span value = {b + 8, length};
        if (element == 0x0002)
            this = is_same(value, x->sop_class) ? CLASS : 0;
        else if (element == 0x0100)
            this = length == 2 && little_endian_16(value.bytes) == C_STORE_RQ ? FIELD : 0;
        else if (element == 0x0110)
            this = length == 2 ? ID : 0;
        else if (element == 0x0800)
            this = length == 2 && little_endian_16(value.bytes) != NO_DATA_SET ? TYPE : 0;
        else if (element == 0x1000)
            this = take_uid(x, value) ? INSTANCE : 0;
        else
            this = ALL + 1;
        if (!this || seen & this & ALL)
            return 0;
        if (this == ID)
            x->message_id = little_endian_16(value.bytes);
        seen |= this;
        at += 8 + length;
    }
    return at == command.length && (seen & ALL) == ALL;
}

static int is_one_of(const uint8_t *vr, const char *vrs)
{
    for (; *vrs; vrs += 2)
        if (vr[0] == vrs[0] && vr[1] == vrs[1])
            return 1;
    return 0;
}

struct element {
    uint32_t tag, length;
    int64_t value_at;
    int is_sequence;
};

/* Read the header of an element. PS3.5 7.1. */
static enum likeness read_element(struct span data, int64_t at, int is_implicit_vr, struct element *element)
{
    const uint8_t *b = data.bytes + at;
    if (at + 12 > data.length)
        return TOO_SHORT; /* no Series Instance UID worth its name is shorter than four bytes */
    element->tag = (uint32_t)little_endian_16(b) << 16 | little_endian_16(b + 2);
    element->value_at = at + 8;
    element->is_sequence = 0;
    if (is_implicit_vr) {
        element->length = little_endian_32(b + 4);
        element->is_sequence = element->length == UNDEFINED_LENGTH;
    } else if (is_one_of(b + 4, "AEASATCSDADSDTFDFLISLOLTPNSHSLSSSTTMUIULUS")) {
        element->length = little_endian_16(b + 6);
    } else if (is_one_of(b + 4, "OBODOFOLOVOWSQSVUCUNURUTUV")) {
        element->length = little_endian_32(b + 8);
        element->value_at = at + 12;
        element->is_sequence = is_one_of(b + 4, "SQ");
    } else {
        return UNLIKE;
    }
    return ALIKE;
}

/* Go behind a sequence of undefined length, whose items begin at *at. PS3.5 7.5.2. */
static enum likeness pass_sequence(struct span data, int64_t *at, int is_implicit_vr, int depth)
{
    int is_in_item = 0;
    struct element element;
    if (depth > DEPTH)
        return UNLIKE;
    for (;;) {
        if (*at + 8 > data.length)
            return TOO_SHORT;
        const uint8_t *b = data.bytes + *at;
        uint32_t tag = (uint32_t)little_endian_16(b) << 16 | little_endian_16(b + 2);
        if (tag >> 16 == 0xFFFE) {
            uint32_t length = little_endian_32(b + 4);
            *at += 8;
            if (!is_in_item && tag == SEQUENCE_DELIMITATION && !length)
                return ALIKE;
            if (is_in_item && tag == ITEM_DELIMITATION && !length)
                is_in_item = 0;
            else if (!is_in_item && tag == ITEM && length == UNDEFINED_LENGTH)
                is_in_item = 1;
            else if (!is_in_item && tag == ITEM)
                *at += length;
            else
                return UNLIKE;
            continue;
        }
        if (!is_in_item)
            return UNLIKE;
        enum likeness read = read_element(data, *at, is_implicit_vr, &element);
        if (read != ALIKE)
            return read;
        *at = element.value_at;
        if (element.length != UNDEFINED_LENGTH) {
            *at += element.length;
            continue;
        }
        if (!element.is_sequence)
            return UNLIKE;
        read = pass_sequence(data, at, is_implicit_vr, depth + 1);
        if (read != ALIKE)
            return read;
    }
}

/* Find the wanted values in the first bytes of a data set; those that are absent have no bytes. */
static enum likeness read_head(struct span data, int is_implicit_vr, struct head *head)
{
    uint32_t before = 0x00080000 - 1;
    int64_t at = 0;
    struct element element;
    memset(head, 0, sizeof *head);
    for (;;) {
        enum likeness read = read_element(data, at, is_implicit_vr, &element);
        if (read != ALIKE)
            return read;
        if (element.tag <= before || element.tag > wanted_tags[SERIES])
            return UNLIKE; /* out of order, in front of group 0008, or without a Series Instance UID */
        before = element.tag;
        at = element.value_at;
        if (element.length == UNDEFINED_LENGTH) {
            if (!element.is_sequence)
                return UNLIKE;
            read = pass_sequence(data, &at, is_implicit_vr, 0);
            if (read != ALIKE)
                return read;
            continue;
        }
        if (at + (int64_t)element.length > data.length)
            return TOO_SHORT;
        for (int i = 0; i < WANTED; i++)
            if (wanted_tags[i] == element.tag)
                head->wanted[i] = (struct span){data.bytes + at, element.length};
        if (element.tag == wanted_tags[SERIES])
            return ALIKE;
        at += element.length;
    }
}

int read_model(struct express *x)
{
    return read_head(x->model_head, (int)x->is_implicit_vr, &x->head) == ALIKE;
}

enum likeness compare_head(const struct express *x, struct span data)
{
    struct head head;
    enum likeness read = read_head(data, (int)x->is_implicit_vr, &head);
    if (read != ALIKE)
        return read;
    for (int i = 0; i < WANTED; i++)
        if (i != SOP_INSTANCE && !is_same(head.wanted[i], x->head.wanted[i]))
            return UNLIKE;
    struct span instance = head.wanted[SOP_INSTANCE];
    int64_t length = (int64_t)strlen(x->uid);
    /* is_command_alike has seen the UID, so this is the same value, padded the same way, or it is not alike. */
    if (instance.length != (length + 1) / 2 * 2 || memcmp(instance.bytes, x->uid, (size_t)instance.length))
        return UNLIKE;
    return ALIKE;
}
