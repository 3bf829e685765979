/* A libnvidia-ml.so.1 without a GPU: the functions of NVML that the node agent calls, with NVIDIA's signatures and
   structures, answered from a script (script.h). LLMTRAIN_FAKE_NVML_CALLS names a file for one line per query. */
#include "script.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, TIMEOUT = 10,
    GPU_IS_LOST = 15, MAX_GPUS = 16, MAX_INSTANCES = 7
};
typedef int nvmlReturn_t;

struct device {
    int gpu, instance;
    int session; /* the nvmlInit that found it */
    int gone;    /* was unplugged since: the handle stays invalid */
};
typedef struct device *nvmlDevice_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } nvmlMemory_v2_t;
typedef struct { unsigned gpu, memory; } nvmlUtilization_t;
typedef struct { unsigned version; int sensor, temperature; } nvmlTemperature_t;
typedef union { double d; unsigned u; unsigned long ul; unsigned long long ull; } nvmlValue_t;
typedef struct {
    unsigned field, scope;
    int64_t time_us, latency_us;
    int type, result;
    nvmlValue_t value;
} nvmlFieldValue_t;
typedef struct {
    nvmlDevice_t device;
    unsigned long long type, data;
    unsigned gpu_instance, compute_instance;
} nvmlEventData_t;
typedef struct events { nvmlDevice_t device; } *nvmlEventSet_t;
typedef struct gpm_sample { int gpu; double time; } *nvmlGpmSample_t;
typedef struct {
    unsigned metric;
    nvmlReturn_t result;
    double value;
    struct { char *short_name, *long_name, *unit; } info;
} nvmlGpmMetric_t;
typedef struct {
    unsigned version, count;
    nvmlGpmSample_t before, after;
    nvmlGpmMetric_t metrics[];
} nvmlGpmMetricsGet_t;
typedef struct { unsigned version, supported; } nvmlGpmSupport_t;

static struct device gpus[MAX_GPUS], instances[MAX_GPUS][MAX_INSTANCES];
static int session, found[MAX_GPUS], found_count, delivered[MAX_GPUS];

static int absent(int gpu) {
    struct answer answer = script_answer(gpu, -1, "absent");
    return !answer.error && answer.number != 0;
}

static int total(void) {
    struct answer answer = script_answer(-1, -1, "gpus");
    return answer.error || answer.number > MAX_GPUS ? 0 : (int)answer.number;
}

/* Reads the script again, and notes which GPUs are unplugged. */
static void refresh(void) {
    script_refresh();
    for (int gpu = 0; gpu < MAX_GPUS; gpu++)
        gpus[gpu].gone |= absent(gpu);
}

static void note(nvmlDevice_t device, const char *query) {
    const char *path = getenv("LLMTRAIN_FAKE_NVML_CALLS");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%d %s\n", device ? device->gpu : -1, query);
    fclose(file);
}

static struct answer ask(nvmlDevice_t device, const char *key) {
    struct answer lost = {GPU_IS_LOST, 0, ""}, closed = {UNINITIALIZED, 0, ""};
    refresh();
    note(device, key);
    if (!session || device->session != session)
        return closed;
    return gpus[device->gpu].gone ? lost : script_answer(device->gpu, device->instance, key);
}

static nvmlReturn_t number(nvmlDevice_t device, const char *key, unsigned *value) {
    struct answer answer = ask(device, key);
    *value = (unsigned)(unsigned long long)answer.number;
    return answer.error;
}

static nvmlReturn_t large(nvmlDevice_t device, const char *key, unsigned long long *value) {
    struct answer answer = ask(device, key);
    /* A double cannot represent counts above 2^53: parse the text. */
    *value = answer.number > 9e15 ? strtoull(answer.text, NULL, 10) : (unsigned long long)answer.number;
    return answer.error;
}

nvmlReturn_t nvmlInitWithFlags(unsigned flags) {
    static int sessions;
    (void)flags;
    script_refresh();
    struct answer refused = script_answer(-1, -1, "init");
    if (refused.error && refused.error != NOT_SUPPORTED)
        return refused.error;
    session = ++sessions;
    found_count = 0;
    for (int gpu = 0; gpu < total(); gpu++) {
        gpus[gpu] = (struct device){gpu, -1, session, absent(gpu)};
        for (int instance = 0; instance < MAX_INSTANCES; instance++)
            instances[gpu][instance] = (struct device){gpu, instance, session, 0};
        if (!gpus[gpu].gone)
            found[found_count++] = gpu;
    }
    return SUCCESS;
}

nvmlReturn_t nvmlShutdown(void) {
    session = 0;
    return SUCCESS;
}

const char *nvmlErrorString(nvmlReturn_t result) {
    (void)result;
    return "an error of the fake library";
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned length) {
    struct answer answer = script_answer(-1, -1, "driver");
    snprintf(version, length, "%s", answer.error ? "" : answer.text);
    return answer.error;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *count) {
    *count = (unsigned)found_count;
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    if (index >= (unsigned)found_count)
        return INVALID_ARGUMENT;
    *device = &gpus[found[index]];
    struct answer answer = ask(*device, "handle");
    return answer.error == NOT_SUPPORTED ? SUCCESS : answer.error;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned length) {
    struct answer answer = ask(device, "uuid");
    if (answer.error && answer.error != NOT_SUPPORTED)
        return answer.error;
    if (device->instance < 0)
        snprintf(uuid, length, "GPU-00000000-0000-4000-8000-%012d", device->gpu);
    else
        snprintf(uuid, length, "MIG-00000000-0000-4000-8000-%06d%06d", device->gpu, device->instance);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned *minor) {
    struct answer answer = ask(device, "minor");
    *minor = (unsigned)device->gpu;
    return answer.error == NOT_SUPPORTED ? SUCCESS : answer.error;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned *instance) {
    *instance = (unsigned)device->instance + 1;
    return device->instance < 0 ? NOT_SUPPORTED : SUCCESS;
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned length) {
    struct answer answer = ask(device, "name");
    if (!answer.error)
        snprintf(name, length, "%s", answer.text);
    for (char *letter = name; !answer.error && *letter; letter++)
        *letter = *letter == '_' ? ' ' : *letter;
    return answer.error;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory) {
    nvmlReturn_t result = large(device, "memory_total", &memory->total);
    return result ? result : large(device, "memory_used", &memory->used);
}

/* Version 1, of older drivers: memory that the driver reserves counts as used. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    nvmlReturn_t result = large(device, "v1_memory_total", &memory->total);
    return result ? result : large(device, "v1_memory_used", &memory->used);
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates) {
    nvmlReturn_t result = number(device, "utilization", &rates->gpu);
    return result ? result : number(device, "memory_utilization", &rates->memory);
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *answer) {
    return number(device, "temperature", (unsigned *)&answer->temperature);
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned *celsius) {
    (void)sensor;
    return number(device, "v1_temperature", celsius);
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned *mw) { return number(device, "power", mw); }

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *mw) {
    return number(device, "power_limit", mw);
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *mj) {
    return large(device, "energy", mj);
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, int clock, unsigned *mhz) {
    return number(device, clock == 1 ? "clock_sm" : clock == 2 ? "clock_memory" : "clock_other", mhz);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long *reasons) {
    return large(device, "throttle", reasons);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long *reasons) {
    return large(device, "v1_throttle", reasons);
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int severity, int counter, unsigned long long *count) {
    if (counter != 0)
        return INVALID_ARGUMENT; /* only those since the driver was loaded */
    return large(device, severity == 0 ? "ecc_corrected" : "ecc_uncorrected", count);
}

static const char *field_key(const nvmlFieldValue_t *field) {
    switch (field->field) {
    case 138: return field->scope == UINT32_MAX ? "nvlink_sent" : "nvlink_of_a_link";
    case 139: return field->scope == UINT32_MAX ? "nvlink_received" : "nvlink_of_a_link";
    case 197: return "pcie_sent";
    case 198: return "pcie_received";
    default: return "unknown_field";
    }
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
    for (int i = 0; i < count; i++) {
        values[i].type = 3; /* unsigned long long */
        values[i].time_us = (int64_t)(script_now() * 1e6);
        values[i].result = large(device, field_key(&values[i]), &values[i].value.ull);
        if (values[i].result == GPU_IS_LOST)
            return GPU_IS_LOST;
    }
    return SUCCESS;
}

nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t device, nvmlGpmSupport_t *support) {
    nvmlReturn_t result = number(device, "gpm", &support->supported);
    return result;
}

nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *sample) {
    *sample = calloc(1, sizeof **sample);
    return SUCCESS;
}

nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t sample) {
    free(sample);
    return SUCCESS;
}

nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t device, nvmlGpmSample_t sample) {
    struct answer answer = ask(device, "gpm");
    *sample = (struct gpm_sample){device->gpu, script_now()};
    return answer.error;
}

static const char *gpm_key(unsigned metric) {
    switch (metric) {
    case 2: return "gpm_sm";
    case 5: return "gpm_tensor";
    case 20: return "gpm_pcie_sent";
    case 21: return "gpm_pcie_received";
    default: return "unknown_metric";
    }
}

nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *request) {
    if (request->before->gpu != request->after->gpu || request->after->time <= request->before->time)
        return INVALID_ARGUMENT; /* the older sample comes first */
    for (unsigned i = 0; i < request->count; i++) {
        struct answer answer = ask(&gpus[request->after->gpu], gpm_key(request->metrics[i].metric));
        request->metrics[i].result = answer.error;
        request->metrics[i].value = answer.number;
    }
    return SUCCESS;
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set) {
    *set = calloc(1, sizeof **set);
    return SUCCESS;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
    free(set);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set) {
    struct answer answer = ask(device, "xids");
    if (types != 8)
        return INVALID_ARGUMENT;
    if (!answer.error)
        set->device = device;
    return answer.error;
}

/* Events wait in the library, so the reason of a lost GPU can still be fetched. */
nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned timeout_ms) {
    if (timeout_ms == 0 || !set->device)
        return INVALID_ARGUMENT;
    refresh();
    int gpu = set->device->gpu;
    struct answer answer = script_answer(gpu, -1, "xids");
    const char *next = answer.text;
    for (int i = 0; next && i < delivered[gpu]; i++)
        next = (next = strchr(next, ',')) ? next + 1 : NULL;
    if (!next || *next < '0' || *next > '9') {
        answer = ask(set->device, "event_wait");
        return answer.error == NOT_SUPPORTED ? TIMEOUT : answer.error;
    }
    delivered[gpu]++;
    *data = (nvmlEventData_t){set->device, 8, strtoull(next, NULL, 10), UINT32_MAX, UINT32_MAX};
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
    nvmlReturn_t result = number(device, "mig", current);
    *pending = *current;
    return result;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count) {
    nvmlReturn_t result = number(device, "mig", count);
    *count = MAX_INSTANCES;
    return result;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *handle) {
    unsigned count;
    nvmlReturn_t result = number(device, "mig_instances", &count);
    if (result || index >= count)
        return result ? result : NOT_FOUND;
    *handle = &instances[device->gpu][index];
    return SUCCESS;
}
