/*
 * stream_decoder.c - one token of a language model whose file may be larger than memory.
 *
 *     usage: stream_decoder FILE.lsq MEBIBYTES
 *
 * FILE has the tensors of a Llama or Mistral model by their usual names; `lsq-bench stream --make` writes such files. The network is
 * computed at the first position, where each query meets its own key alone: attention is v itself, so q and k are not even
 * read. It runs three times, each on the token that the last run found likeliest: once out of a stream within the limit, and once out
 * of the open file; logits must have the same bits.
 */
#include <lsq/lsq_model.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS = 3, HEAD = 128 }; /* HEAD: elements of a head, or all of v if that has fewer */

/* Tensors in the order of use, from either place. */
typedef struct source {
    lsq_stream *stream; /* or NULL: */
    const lsq_model *model;
    size_t *order, count, next;
} source;

typedef struct network {
    size_t layers, hidden, values, inner, words; /* values: rows of v; inner: of gate and up; words: of the head */
    float *x, *normed, *v, *gate, *up, *logits;
} network;

static void fail(const char *what)
{
    fprintf(stderr, "stream_decoder: %s\n", what);
    exit(1);
}

/* For a program as short as this: ends it unless all is well. */
static void ok(lsq_status status, const lsq_error *err)
{
    if (status != LSQ_OK)
        fail(err && err->text[0] ? err->text : lsq_strerror(status));
}

/* ---- Names and sizes ---- */

static const lsq_tensor *find(const lsq_model *model, size_t *index, const char *format, size_t layer)
{
    char name[96];
    snprintf(name, sizeof name, format, layer);
    const lsq_tensor *tensor = lsq_model_find(model, name, index);
    if (!tensor)
        fail(name);
    return tensor;
}

static const char *const of_a_layer[] = {
    "model.layers.%zu.input_layernorm.weight",  "model.layers.%zu.self_attn.v_proj.weight",
    "model.layers.%zu.self_attn.o_proj.weight", "model.layers.%zu.post_attention_layernorm.weight",
    "model.layers.%zu.mlp.gate_proj.weight",    "model.layers.%zu.mlp.up_proj.weight",
    "model.layers.%zu.mlp.down_proj.weight"};
enum { OF_A_LAYER = sizeof of_a_layer / sizeof *of_a_layer };

/* What is used, in the order of use: malloc. */
static size_t *order_of(const lsq_model *model, size_t *count)
{
    size_t layers = 0;
    char name[96];
    do
        snprintf(name, sizeof name, of_a_layer[0], layers);
    while (lsq_model_find(model, name, NULL) && ++layers);
    size_t *order = malloc((3 + OF_A_LAYER * layers) * sizeof *order), at = 0;
    if (!order || layers == 0)
        fail("no layers, or no memory");
    find(model, &order[at++], "model.embed_tokens.weight", 0);
    for (size_t layer = 0; layer < layers; layer++)
        for (size_t i = 0; i < OF_A_LAYER; i++)
            find(model, &order[at++], of_a_layer[i], layer);
    find(model, &order[at++], "model.norm.weight", 0);
    find(model, &order[at++], "lm_head.weight", 0);
    *count = at;
    return order;
}

static float *floats(size_t n)
{
    float *numbers = malloc(n * sizeof *numbers);
    if (!numbers)
        fail("no memory");
    return numbers;
}

static network network_of(const lsq_model *model, size_t count)
{
    network n = {.layers = (count - 3) / OF_A_LAYER};
    size_t at;
    n.hidden = find(model, &at, "model.norm.weight", 0)->elements;
    n.values = find(model, &at, of_a_layer[1], 0)->rows;
    n.inner = find(model, &at, of_a_layer[4], 0)->rows;
    n.words = find(model, &at, "lm_head.weight", 0)->rows;
    if (n.hidden % n.values || n.values % (n.values < HEAD ? n.values : HEAD))
        fail("v does not divide the embedding into heads");
    n.x = floats(n.hidden);
    n.normed = floats(n.hidden);
    n.v = floats(n.hidden);
    n.gate = floats(n.inner);
    n.up = floats(n.inner);
    n.logits = floats(n.words);
    return n;
}

/* ---- The network ---- */

/* The next tensor; what it should be is what the order says. */
static lsq_stream_item next(source *from)
{
    lsq_error err = {.text = ""};
    lsq_stream_item item = {0};
    if (from->stream) {
        ok(lsq_stream_next(from->stream, &item, &err), &err);
        return item;
    }
    const size_t i = from->order[from->next++ % from->count];
    item.tensor = lsq_model_tensor(from->model, i);
    item.data = lsq_model_bytes(from->model, i);
    if (item.tensor->quantised)
        ok(lsq_model_weights(from->model, i, &item.weights, &err), &err);
    return item;
}

/* y = W x, or y + W x; sizes were checked by nobody else. */
static void multiply(source *from, const float *x, size_t columns, float *y, size_t rows, float beta)
{
    const lsq_stream_item item = next(from);
    if (!item.weights || item.tensor->rows != rows || item.tensor->columns != columns)
        fail(item.tensor->name);
    ok(lsq_sgemv(NULL, LSQ_NO_TRANS, 1, item.weights, x, 1, beta, y, 1), NULL);
}

static void norm(source *from, const network *n)
{
    const lsq_stream_item item = next(from);
    if (item.tensor->dtype != LSQ_F32 || item.weights || item.tensor->elements != n->hidden)
        fail(item.tensor->name);
    float sum = 0;
    for (size_t i = 0; i < n->hidden; i++)
        sum += n->x[i] * n->x[i];
    const float scale = 1 / sqrtf(sum / (float)n->hidden + 1e-5f), *w = item.data;
    for (size_t i = 0; i < n->hidden; i++)
        n->normed[i] = n->x[i] * scale * w[i];
}

/* Several heads of queries share one of values: what v has is spread over them, last head first, so that it can stay in place. */
static void attend(const network *n)
{
    const size_t head = n->values < HEAD ? n->values : HEAD, share = n->hidden / n->values;
    for (size_t h = n->hidden / head; h-- > 0;)
        memmove(n->v + h * head, n->v + h / share * head, head * sizeof *n->v);
}

static void layer(source *from, const network *n)
{
    norm(from, n);
    multiply(from, n->normed, n->hidden, n->v, n->values, 0);
    attend(n);
    multiply(from, n->v, n->hidden, n->x, n->hidden, 1);
    norm(from, n);
    multiply(from, n->normed, n->hidden, n->gate, n->inner, 0);
    multiply(from, n->normed, n->hidden, n->up, n->inner, 0);
    for (size_t i = 0; i < n->inner; i++)
        n->gate[i] *= n->up[i] / (1 + expf(-n->gate[i]));
    multiply(from, n->gate, n->inner, n->x, n->hidden, 1);
}

/* Logits for what follows a token; returns the likeliest. */
static size_t decode(source *from, const network *n, size_t token)
{
    const lsq_stream_item embedding = next(from);
    if (!embedding.weights || embedding.tensor->columns != n->hidden)
        fail(embedding.tensor->name);
    ok(lsq_dequantize(NULL, embedding.weights, token, 1, n->x, n->hidden), NULL);
    for (size_t i = 0; i < n->layers; i++)
        layer(from, n);
    norm(from, n);
    multiply(from, n->normed, n->hidden, n->logits, n->words, 0);
    size_t best = 0;
    for (size_t i = 1; i < n->words; i++)
        best = n->logits[i] > n->logits[best] ? i : best;
    return best;
}

/* All logits of all tokens, one after the other. */
static float *run(source *from, const lsq_model *model, const char *what)
{
    const network n = network_of(model, from->count);
    float *all = floats(TOKENS * n.words);
    size_t token = 1;
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t t = 0; t < TOKENS; t++) {
        token = decode(from, &n, token);
        memcpy(all + t * n.words, n.logits, n.words * sizeof *all);
        printf("%s: token %zu, logit %g\n", what, token, (double)n.logits[token]);
    }
    for (size_t i = 0; i < TOKENS * n.words * sizeof *all; i++)
        hash = (hash ^ ((const unsigned char *)all)[i]) * 0x100000001b3u;
    printf("%s: logits %016llx\n", what, (unsigned long long)hash);
    free(n.x);
    free(n.normed);
    free(n.v);
    free(n.gate);
    free(n.up);
    free(n.logits);
    return all;
}

int main(int argc, char **argv)
{
    lsq_error err = {.text = ""};
    lsq_stream_options options = {.size = sizeof options};
    lsq_stream_figures figures;
    source streamed = {0}, open = {0};
    lsq_model *model = NULL;
    if (argc != 3 || (options.memory = strtoul(argv[2], NULL, 10) << 20) == 0)
        fail("usage: stream_decoder FILE.lsq MEBIBYTES");

    /* Indexes are known when the file has been opened once. */
    ok(lsq_stream_new(argv[1], &options, &streamed.stream, &err), &err);
    streamed.order = order_of(lsq_stream_model(streamed.stream), &streamed.count);
    lsq_stream_free(streamed.stream);
    options.order = streamed.order;
    options.order_count = streamed.count;
    ok(lsq_stream_new(argv[1], &options, &streamed.stream, &err), &err);
    float *ours = run(&streamed, lsq_stream_model(streamed.stream), "streamed");
    lsq_stream_stats(streamed.stream, &figures);
    printf("streamed: %.1f MB read, %.1f MB stayed, %.1f MB taken\n", 1e-6 * (double)figures.bytes_read,
           1e-6 * (double)figures.bytes_resident, 1e-6 * (double)figures.bytes_peak);
    lsq_stream_free(streamed.stream);

    ok(lsq_model_open(argv[1], 0, &model, &err), &err);
    open = (source){.model = model, .order = streamed.order, .count = streamed.count};
    float *theirs = run(&open, model, "open");
    size_t at;
    const size_t words = find(model, &at, "lm_head.weight", 0)->rows;
    const int differ = memcmp(ours, theirs, TOKENS * words * sizeof *ours) != 0;
    puts(differ ? "logits differ" : "the same bits");
    lsq_model_free(model);
    free(streamed.order);
    free(ours);
    free(theirs);
    return differ;
}
