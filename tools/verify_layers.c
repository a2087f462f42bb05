/*
 * verify_layers.c - the tensors of a file by layers.
 */
#include "tools/verify.h"
#include "tools/names.h"

#include <stdlib.h>
#include <string.h>

/* The layer of that name, a new one if there is none yet; `places` has the index of each. NULL: out of memory. */
static layer *layer_of(verification *v, json_t *places, const char *tensor)
{
    size_t length = layer_name_length(tensor);
    char *name = length ? strndup(tensor, length) : strdup("other");
    const json_t *place = name ? json_object_get(places, name) : NULL;
    if (place) {
        free(name);
        return &v->layers[json_integer_value(place)];
    }
    if (!name || json_object_set_new(places, name, json_integer((json_int_t)v->layer_count)) != 0) {
        free(name);
        return NULL;
    }
    v->layers[v->layer_count] = (layer){.name = name};
    return &v->layers[v->layer_count++];
}

static void add_quality(quality *sum, const quality *q)
{
    sum->signal += q->signal;
    sum->noise += q->noise;
    sum->count += q->count;
}

static void add(layer *l, const finding *f)
{
    const lsq_tensor *t = f->tensor;
    if (f->wrong && !l->wrong)
        l->wrong = "a tensor is not as it should be";
    if (f->missing)
        return;
    l->dtype = l->tensors == 0 || l->dtype == t->dtype ? t->dtype : LSQ_DTYPES;
    l->tensors++;
    l->weights += t->elements;
    l->bytes += f->stored;
    l->whole_bytes += t->elements * lsq_dtype_bytes(t->dtype);
    if (f->compared) {
        l->compared++;
        add_quality(&l->quality, &f->quality);
        l->published += quality_published(&f->quality);
    }
    if (f->multiplied) {
        l->multiplied++;
        add_quality(&l->product, &f->product);
    }
}

lsq_status verify_layers(verification *v)
{
    json_t *places = json_object();
    v->layers = calloc(v->count ? v->count : 1, sizeof *v->layers);
    lsq_status status = places && v->layers ? LSQ_OK : LSQ_E_NOMEM;
    for (size_t i = 0; status == LSQ_OK && i < v->count; i++) {
        layer *l = layer_of(v, places, v->findings[i].tensor->name);
        if (l) {
            add(l, &v->findings[i]);
            add(&v->total, &v->findings[i]);
        } else
            status = LSQ_E_NOMEM;
    }
    for (size_t i = 0; status == LSQ_OK && i < v->layer_count; i++) {
        layer *l = &v->layers[i];
        if (!l->wrong)
            l->wrong =
                verify_demands(&v->demands, l->compared ? &l->quality : NULL, l->multiplied ? &l->product : NULL);
        v->wrong_layers += l->wrong != NULL;
    }
    v->total.wrong = v->wrong_layers ? "a layer fails" : NULL;
    json_decref(places);
    return status;
}

void verify_layers_free(verification *v)
{
    for (size_t i = 0; i < v->layer_count; i++)
        free(v->layers[i].name);
    free(v->layers);
}
