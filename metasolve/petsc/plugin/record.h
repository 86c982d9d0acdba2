/* record.h - a program that is watched: its solves are written to a recording directory. */
#pragma once
#include "host.h"
#include "contract.h"

#define RECORD_PATH (PETSC_MAX_PATH_LEN + 128)
#define RECORD_HASH 17 /* digits, and a zero */

typedef struct { /* of the whole program */
  char       dir[PETSC_MAX_PATH_LEN], run[32];
  PetscBool  stopped;
  PetscInt64 every, seen;
  PetscInt   written, skipped;
  PetscInt64 max_systems, max_bytes, bytes; /* negative: no limit */
  PetscInt   held;                          /* systems of earlier runs ... */
  char (*hashes)[RECORD_HASH];              /* ... and their operators */
} Recorder;

typedef struct { /* of one solve */
  Mat          A;
  Operator     op;
  Vec          guess;
  PetscReal    bnorm, residual;
  ContractKind kind;
  Measure      measure;        /* in which the program's answers are judged ... */
  PetscReal    own, tolerance; /* ... what its own one has, and what is asked for, relative to that of x = 0 */
  char         id[96], rhs[160], x0[160], hash[RECORD_HASH];
  PetscInt64   nnz;
  PetscBool    fresh; /* another operator than the one before, of this KSP */
  double       features[METASOLVE_FEATURES], setup, solve, decision, overhead;
  PetscMPIInt  rank, size;
  int          error; /* errno */
} Record;
typedef struct { /* kept with a KSP */
  Operator   op;
  char       hash[RECORD_HASH];
  PetscInt64 nnz;
  PetscInt   operators; /* seen so far */
  Previous  *previous;  /* borrowed, as the others are */
  Scales    *scales;
  Twin      *twin;
} Recorded;

PetscErrorCode RecordSession(const char *dir, Session **); /* collective on PETSC_COMM_WORLD */

/* ---- save.c: one system, solved by own settings ---- */
PetscErrorCode SaveMay(KSP, Recorded *, Record *, const char **why); /* NULL: it can be recorded. Collective */
PetscErrorCode SaveName(const Recorded *, Record *);                 /* by the content of its operator. Collective */
PetscErrorCode SaveSolve(KSP, Recorder *, Recorded *, Record *);     /* times and the guess are in the record. Collective */

/* ---- manifest.c: lines of manifest.jsonl, written on one rank ---- */
PetscErrorCode ManifestRun(const Recorder *, int ranks, int *error);
PetscErrorCode ManifestSolve(KSP, Recorder *, const Recorded *, const Record *, int *error);
void           ManifestStop(Recorder *, const char *why);      /* nothing more is recorded */
void           ManifestSkip(Recorder *, KSP, const char *why); /* this solve is none that can be; the first so many */
void           ManifestEnd(const Recorder *);                  /* what has no line of its own */
