/*
 * fuzz_tunefile.c - tune files from anywhere. Each input is read as it is; then, if it is JSON, once more with the
 * kernel set, fingerprint and checksum that belong there, so that what lies behind those checks is reached. What is
 * accepted must survive being written and read again.
 */
#include "tests/tune_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_and_write(const lsq_cpu *cpu, const char *text, size_t size)
{
    lsq_tune tune = {0}, again = {0};
    lsq_error err = {.status = LSQ_OK, .text = ""};
    lsq_status status = lsq_tune_parse(text, size, cpu, &tune, &err);
    if (status != LSQ_OK) {
        if (err.status != status || !err.text[0] || tune.entries || tune.kept)
            abort();
        return;
    }
    char *written;
    if (lsq_tune_format(cpu, &tune, &written, NULL) != LSQ_OK ||
        lsq_tune_parse(written, strlen(written), cpu, &again, NULL) != LSQ_OK || !same_tune(&tune, &again))
        abort();
    free(written);
    lsq_tune_free(&tune);
    lsq_tune_free(&again);
}

static void set_hex(json_t *document, const char *key, uint64_t number)
{
    char hex[17];
    snprintf(hex, sizeof(hex), "%016" PRIx64, number);
    json_object_set_new(document, key, json_string(hex));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lsq_cpu cpu = sample_cpu();
    read_and_write(&cpu, (const char *)data, size);
    json_t *document = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(document)) {
        set_hex(document, "kernels", lsq_kernel_set_id());
        set_hex(document, "fingerprint", lsq_tune_fingerprint(&cpu));
        char *sealed = sealed_text(document);
        if (sealed)
            read_and_write(&cpu, sealed, strlen(sealed));
        free(sealed);
    }
    json_decref(document);
    return 0;
}
