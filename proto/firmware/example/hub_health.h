/* Owns what a Hub measures of itself: nothing of the home. Unsent samples are kept, the oldest are lost first. */
#ifndef HUB_HEALTH_H
#define HUB_HEALTH_H

#include "ora_contract.h"

/* Adds a sample of now; a full batch loses its oldest. */
void hub_measure(ora_ingest_v1_TelemetryBatch *batch);

#endif
