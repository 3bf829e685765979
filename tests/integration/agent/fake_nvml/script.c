#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_LINES 1024
#define NOT_SUPPORTED 3
#ifndef SCRIPT
#define SCRIPT NULL
#endif

struct line {
    char who[16], key[32], value[64];
};

/* Eight busy H100s, the default without a script. */
static const char *DEFAULT =
    "- gpus 8\n- driver 580.65.06\n* name NVIDIA_H100_80GB_HBM3\n"
    "* memory_total 85520809984\n* memory_used 20000000000..70000000000\n"
    "* utilization 20..100\n* memory_utilization 10..60\n* temperature 40..75\n"
    "* power 150000..690000\n* power_limit 700000\n* energy +400000\n"
    "* clock_sm 1980\n* clock_memory 2619\n* throttle 0\n* ecc_corrected 0\n* ecc_uncorrected 0\n"
    "* nvlink_received +2000000\n* nvlink_sent +2000000\n"
    "* gpm 1\n* gpm_sm 20..95\n* gpm_tensor 10..70\n* gpm_pcie_received 100..900\n* gpm_pcie_sent 50..400\n"
    "* xids none\n* mig 0\n";

static struct line lines[MAX_LINES];
static int count;

static void parse(char *text) {
    count = 0;
    for (char *rest = text, *one; (one = strsep(&rest, "\n")) != NULL && count < MAX_LINES;) {
        struct line *line = &lines[count];
        if (sscanf(one, "%15s %31s %63s", line->who, line->key, line->value) == 3)
            count++;
    }
}

static void load(const char *path) {
    static char text[65536];
    size_t size = strlen(DEFAULT);
    memcpy(text, DEFAULT, size + 1);
    if (path) {
        FILE *file = fopen(path, "r");
        size = file ? fread(text, 1, sizeof text - 1, file) : 0;
        text[size] = 0;
        if (file)
            fclose(file);
    }
    parse(text);
}

void script_refresh(void) {
    static struct stat seen;
    static int loaded;
    const char *named = getenv("LLMTRAIN_FAKE_NVML"), *path = named ? named : SCRIPT;
    struct stat now = {0};
    if (path)
        stat(path, &now);
    /* A script is replaced by renaming, so a new one is another file. */
    if (loaded && now.st_ino == seen.st_ino && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec &&
        now.st_mtim.tv_sec == seen.st_mtim.tv_sec)
        return;
    seen = now;
    loaded = 1;
    load(path);
}

static const char *find(int gpu, int instance, const char *key) {
    char who[32];
    if (gpu < 0)
        strcpy(who, "-");
    else if (instance < 0)
        snprintf(who, sizeof who, "%d", gpu);
    else
        snprintf(who, sizeof who, "%d:%d", gpu, instance);
    int every = gpu >= 0 && instance < 0;
    for (int i = count - 1; i >= 0; i--)
        if (!strcmp(lines[i].key, key) && (!strcmp(lines[i].who, who) || (every && !strcmp(lines[i].who, "*"))))
            return lines[i].value;
    return NULL;
}

double script_now(void) {
    const char *fixed = find(-1, -1, "now");
    if (fixed)
        return atof(fixed);
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static double wave(double low, double high, int gpu) {
    double phase = script_now() / 60 + gpu / 8.0;
    double fraction = phase - (long long)phase;
    return low + (high - low) * (fraction < 0.5 ? 2 * fraction : 2 - 2 * fraction);
}

struct answer script_answer(int gpu, int instance, const char *key) {
    const char *all = gpu >= 0 && strcmp(key, "xids") ? find(gpu, -1, "all") : NULL; /* events wait in the library */
    const char *value = all ? all : find(gpu, instance, key);
    struct answer answer = {0, 0, value};
    double low, high;
    if (!value)
        answer.error = NOT_SUPPORTED;
    else if (value[0] == '!')
        answer.error = atoi(value + 1);
    else if (value[0] == '+')
        answer.number = atof(value + 1) * script_now();
    else if (sscanf(value, "%lf..%lf", &low, &high) == 2)
        answer.number = wave(low, high, gpu);
    else
        answer.number = atof(value);
    return answer;
}
