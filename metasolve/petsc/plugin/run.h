/* run.h - solves in production: the operations of a session that accelerates. */
#pragma once
#include "runner.h"

PetscErrorCode RunSession(MPI_Comm, const char *model, const char *log, PetscBool trial, Session **); /* collective */
PetscErrorCode RunTell(Host *, int measure, double tolerance);                                        /* how answers are judged */
const char    *RunLast(Host *); /* JSON line of the last solve, or "" */
