/*
   state.h - what runs of a program leave for later ones: classes, what own settings take there, and offsets of candidates.

   A file of words with a digest, read at the start, written at the end and now and then by rank 0. It is the sum of lessons: who
   writes it reads it first, adds what it has learned since it wrote last, and replaces it as a whole, under a lock. So runs that
   end at once add up, one that is killed leaves what was there, and what was forgotten meanwhile does not come back.

   What it will be is written beside it (FILE.new), then a line of the journal says so, and then it takes its place. Whoever is
   killed in between leaves what the line tells of beside the file: so metasolve/production/recovery.py, which does the same, adds
   no lesson twice.
*/
#pragma once
#include "class.h"
#include "prior.h"
#include <sys/types.h>

#define STATE_ID           17 /* digits of its digest, and a zero */
#define STATE_MOST_CLASSES 256

typedef struct {
  char   path[PETSC_MAX_PATH_LEN];       /* empty: none is kept */
  char   before[STATE_ID], id[STATE_ID]; /* of the file that was read last, and written; empty: there was none */
  double saved;                          /* when that was */
  pid_t  process;                        /* whose lessons they are: a copy of it has them, too */
  int    lock;                           /* file descriptor, while it is held */
  int    written;                        /* by this run: what is there is not what it has found */
  Class  next;                           /* what is known from then on, while it is locked */
  size_t n, room;                        /* learned since then */
  struct {
    Class class;
    Lesson lesson;
  } *learned;
} State;

/* ---- state.c ---- */
PetscErrorCode StateLoad(MPI_Comm, const char *path, Prior, Class *all, char id[STATE_ID]); /* collective; damaged: none */
PetscBool      StateLearn(State *, Class, const Lesson *);                                  /* false: it will not be kept */
int            StateBegin(State *, Prior);    /* on one rank; 0 or errno. What will be lies beside it, which is locked ... */
int            StateEnd(State *, Class *all); /* ... until this is in place, or ... */
void           StateGiveUp(State *);          /* ... is not to be */
/* ---- past.c ---- */
void StatePast(const char *path, const char *id); /* what lies there is kept when another comes in its place */
/* ---- state_file.c ---- */
void StateWrite(Text *, Prior, Class all, char id[STATE_ID]);
int  StateParse(char *data, size_t bytes, Prior, Class *all, char id[STATE_ID]); /* 0: it is damaged, and all is as it was */
