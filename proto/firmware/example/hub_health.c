#define _DEFAULT_SOURCE
#include "hub_health.h"

#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>

enum { MOST = ORA_INGEST_V1_TELEMETRY_BATCH_SAMPLES_COUNT_MAX };

void hub_measure(ora_ingest_v1_TelemetryBatch *batch)
{
    struct sysinfo info;
    double load = 0;
    if (batch->samples_count == MOST) {
        memmove(batch->samples, batch->samples + 1, (MOST - 1) * sizeof *batch->samples);
        batch->samples_count--;
    }
    ora_ingest_v1_TelemetrySample *sample = &batch->samples[batch->samples_count++];
    memset(sample, 0, sizeof *sample);
    sample->sample_seconds = (uint64_t)time(NULL);
    if (getloadavg(&load, 1) == 1) {
        const double percent = 100.0 * load / get_nprocs();
        sample->has_cpu_pct = true;
        sample->cpu_pct = percent > 100 ? 100 : (uint32_t)percent;
    }
    if (sysinfo(&info) == 0 && info.totalram > 0) {
        sample->has_ram_pct = true;
        sample->ram_pct = (uint32_t)(100 - 100 * (uint64_t)info.freeram / info.totalram);
    }
}
