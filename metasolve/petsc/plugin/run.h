/* run.h - one solve in production, as run.c, start.c, attempt.c and run_log.c see it. */
#ifndef METASOLVE_RUN_H
#define METASOLVE_RUN_H
#include "metasolve.h"

#define FAILURES_BEFORE_PAUSE 3

typedef struct { /* of one solve; seconds */
  PetscReal   bnorm, target, residual;
  PetscBool   fresh, guess, own; /* guess: the solve starts from vec_sol as it is; own: the program's own settings */
  PetscBool   small, looked;     /* small: not looked at before it has shown to be hard */
  PetscBool   second;            /* choice, after the first had failed */
  const char *source;
  char        why[256], unused[64];
  double      patience; /* with the program's own settings; 0: any */
  double      start;    /* |b - A x0|_2 of a guess of ours that is used; NaN: there is none */
  double      decision, guessing, own_solve, setup, solve, verify, fallback, total; /* own_solve: given up, or failed */
} Record;

static inline double Lap(PetscLogDouble *since)
{
  PetscLogDouble now, t;

  (void)PetscTime(&now);
  t      = now - *since;
  *since = now;
  return t;
}

/* ---- run.c ---- */
PetscErrorCode RunLeave(Host *, const Record *); /* forget the settings of an operator that is gone */

/* ---- start.c: a guess of ours, where the program has none ---- */
PetscErrorCode StartFromGuess(KSP, Host *, Record *);          /* put into vec_sol, if the residual is smaller there than at zero */
PetscErrorCode StartAccept(KSP, Host *, Record *);             /* it meets the tolerance: nothing is set up */
PetscErrorCode StartOwn(KSP, Host *, Record *, PetscBool *ok); /* the program's own settings go on from it; from zero if that fails */

/* ---- attempt.c: the model's settings, and the way back to the program's own ---- */
PetscErrorCode AttemptModel(KSP, Host *, Vec x0, Record *, PetscBool *ok); /* the first choice, and where that fails the second one */
PetscErrorCode AttemptStart(KSP, Host *, Vec x0, Record *);                /* where the last attempt left off, if that is nearer than zero; else x0 */
PetscErrorCode AttemptAccept(KSP, Host *, Vec x0, const Record *);
PetscErrorCode AttemptDistrust(Host *);
PetscErrorCode OwnFromStart(KSP, Host *, Vec x0, Record *); /* the program's own solve from x0, as if nothing had been tried */
PetscErrorCode ProjectSolution(KSP, Vec x0);

/* ---- run_log.c ---- */
void RunWrite(KSP, Host *, const Record *); /* one JSON line */
#endif
