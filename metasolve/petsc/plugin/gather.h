/*
   gather.h - systems of a run that should be learned from are written to a recording: those that were left to the program's own
   settings for a reason that a training could cure, and those that took longer than own settings do, or than was foreseen.

   They are few, and spread over the run. Nothing is written that would fill the disk.
*/
#pragma once
#include "record.h"

#define GATHER_KINDS 2

typedef enum {
  GATHER_REFUSED,
  GATHER_SLOW,
  GATHER_NOT
} Gathered;

typedef struct {              /* of a run; borrowed recordings may be one and the same */
  Recorder *to[GATHER_KINDS]; /* NULL: such systems are not gathered */
  int       ranks;            /* of the program */
} Gathering;

PetscErrorCode GatherOpen(MPI_Comm, const char *run, Gathering *); /* as the environment says. Collective */
PetscErrorCode GatherFree(Gathering *);
