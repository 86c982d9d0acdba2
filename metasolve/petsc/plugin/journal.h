/*
   journal.h - the file that lines of JSON are appended to: by many processes, one write for each line, and bounded in size.

   The first line that a run writes into a file comes with its head, in the same write: what is constant for the run. A file that
   would grow beyond a limit becomes FILE.1, in place of an older one, and a new one begins.
*/
#pragma once
#include "metasolve.h"
#include <sys/types.h>

#define JOURNAL_VERSION 1

typedef struct {
  char      path[PETSC_MAX_PATH_LEN]; /* empty: there is none ... */
  PetscBool broken;                   /* ... any more */
  char      run[TEXT_RUN];
  Text      head;
  off_t     most; /* bytes of the file */
  dev_t     device;
  ino_t     file; /* where the head is */
} Journal;

PetscErrorCode JournalOpen(MPI_Comm, const char *path, const char *state, double canary,
                           Journal *);                     /* collective; state: id of it, or "" */
PetscBool      JournalAppend(Journal *, const Text *line); /* true: it is there, or nothing ever was to be */
void           JournalFree(Journal *);
