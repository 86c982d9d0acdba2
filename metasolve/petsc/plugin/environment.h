/*
   environment.h - what the variables of the environment ask for, the same on all ranks.

   Launchers do not pass on every variable, and a wrapper may set one on some ranks only; ranks that are asked for different things
   would wait for each other. So the first rank reads them where a session begins, and what it was asked for holds on all ranks of
   the session, in the whole process, until another session begins.
*/
#pragma once
#include <petscsys.h>

typedef struct { /* NULL, or a negative number: nothing is asked */
  const char *mode, *dir, *prior, *log, *launch, *state, *prefixes, *off_classes, *keep_refused, *keep_slow, *inputs;
  PetscBool   off, advise, freeze, deterministic;
  PetscBool   no_direct, no_reuse, no_earlier;
  double      budget, canary;
  PetscInt64  most_log, every, most_systems, most_bytes;
} Environment;

PetscErrorCode     EnvironmentRead(MPI_Comm); /* collective */
const Environment *EnvironmentAsked(void);    /* before anything was read: nothing */
