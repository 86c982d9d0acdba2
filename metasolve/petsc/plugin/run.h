/* run.h - solves in production: the operations of a session that accelerates. */
#pragma once
#include "runner.h"

/* prior: directory of the one that chooses where a model has never seen the like; NULL: own settings solve there. Collective */
PetscErrorCode RunSession(MPI_Comm, const char *model, const char *prior, const char *log, PetscBool trial, Session **);
PetscErrorCode RunTell(Host *, int measure, double tolerance); /* how answers are judged */
const char    *RunLast(Host *);                                /* JSON line of the last solve, or "" */
