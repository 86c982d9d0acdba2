/*
   host.h - a wrapped KSP of the program: its own object, with its set-up and solve operations replaced.

   Whatever happens, the program's own solve stays possible (HostSolveOwn), and after a solve the KSP answers as if it had solved
   itself. A host knows nothing of recording and running: an operations table says what a solve does. Hosts without one only
   count as a place where inner solvers arise.
*/
#pragma once
#include "deferred.h"
#include "sight.h"

typedef struct _Host    Host;
typedef struct _Session Session;
typedef PetscErrorCode (*ConvergenceTest)(KSP, PetscInt, PetscReal, KSPConvergedReason *, void *);

typedef struct {
  PetscErrorCode (*mayact)(KSP, Host *, PetscBool *); /* may the preconditioner's set-up wait? NULL: never */
  PetscErrorCode (*solve)(KSP, Host *);
  PetscErrorCode (*reset)(void *state);   /* what holds the program's matrix is let go. NULL: nothing does */
  PetscErrorCode (*destroy)(void *state); /* of what solve keeps with a KSP */
} HostOps;

struct _Host {
  Session *session;
  PetscErrorCode (*ksp_setup)(KSP), (*ksp_solve)(KSP), (*ksp_reset)(KSP), (*ksp_buildsolution)(KSP, Vec, Vec *),
    (*ksp_buildresidual)(KSP, Vec, Vec, Vec *);
  PetscBool       setupnewmatrix, setup_due; /* setup_due: ksp_setup is still to be called */
  PetscLogDouble  setup;                     /* seconds of the program's own set-up since the last solve */
  PetscBool       answered; /* the last solve was not the program's own: the solution is in vec_sol, and nowhere else */
  Sight          *sight;    /* on vec_sol, while monitors of the program's own are told of a solve of ours. NULL: they are not */
  KSP             mirrored; /* ours, while it solves and the program's test looks on. NULL: it does not */
  ConvergenceTest test;     /* the program's own, while another stands in for it ... */
  void           *testing;  /* ... and what that one works with */
  void           *state;    /* of the session's operations */
};

struct _Session { /* what a program, or one attached KSP, is watched or accelerated with */
  const HostOps *ops;
  int            references;
  PetscBool      any_prefix;
  char           prefixes[512];      /* else only these, with commas between them */
  void          *data;               /* of the operations */
  PetscErrorCode (*end)(void *data); /* the program ends. On each rank */
  PetscErrorCode (*destroy)(void *data);
};

PetscErrorCode HostWrap(KSP, Session *); /* NULL: of a type that is no iteration on A x = b */
PetscErrorCode HostUnwrap(KSP);
PetscErrorCode HostFind(KSP, Host **);
PetscErrorCode HostSetUpOwn(KSP, Host *);   /* the program's own set-up, if that waits; collective */
PetscErrorCode HostSolveOwn(KSP, Host *);   /* the program's own solve, its preconditioner set up first if that waits; collective */
PetscErrorCode HostSolveAside(KSP, Host *); /* the same for our own sake: the host's traps and locale are not put back for it */
PetscErrorCode HostSolveTested(KSP, Host *, ConvergenceTest,
                               void *testing); /* the same under another test, which may ask host->test */
PetscErrorCode SessionRelease(Session **);
