/* remember.h - what a run learns is added to the state: now and then, and at its end, however it ends. On rank 0, of one runner. */
#pragma once
#include "runner.h"

void RememberBegin(Runner *, const char *state); /* unless another runner of this process does so */
void RememberNow(Runner *, double now);          /* if it is time to */
void RememberEnd(Runner *);
