/*
   metasolve.h - PETSc, and what the parts that know nothing of a KSP share: text, matrices, features, models, guesses.

   Calls go downwards only, in this order of files:
     register             how PETSc loads us; wraps the constructors of KSP, PC and SNES
     attach               one KSP of the calling program
     newton, run, record  what is done in nonlinear solves, in production, in a recording
     gather               systems of a run that should be learned from
     canary, seen, remember  own settings beside an answer; what is seen of a solve that is over, and added to the state
     save                 one system, written to a recording
     decide, answer       the steps of one solve in production
     journal, journal_lesson, start, earlier, attempt, mirror, replay, manifest, choose, chosen, probe
     taken, shelf, describe  what of an inner solver outlives its KSP; the program's own settings, described
     expect, foresee      what solves would take; what is foreseen, for the matrices that are there
     keep, permit         whether a preconditioner is kept for another operator; whether one may be made
     state, past, state_file, journal_file
     class, watch         what is known of alike operators; the program's own solve, watched
     inner_solve, alone, inner  the inner solver
     quiet                what is done without a word of it
     host, own, deferred  the wrapped KSP, its own solve, and its preconditioner whose set-up waits
     due, applied, asked  may it wait? what uses it; what it makes, and others ask for
     census               who asks past us
     reroute, unread      ... and is led to us; the options that it would have read
     sound, split, contract, own_test, operator, closer, limits, pace, span, measure, product, twin, guard, left, sight
     newton_guess, guess, basis_file, policy_load, policy, policy_file, policy_settings, numbers, posterior, prior, prior_file
     features, rows
     change, nested, matrix
     settings, words, environment, text, sha256, reuse, spare, clock

   Private PETSc headers are used, so one shared library is built per PETSc installation.
*/
#pragma once
#include <petsc/private/kspimpl.h>
#include <petsc/private/pcimpl.h>
#include <petscdm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include "sha256.h"
#include "why.h"

#if defined(PETSC_USE_REAL_SINGLE) || defined(PETSC_USE_REAL___FLOAT128) || defined(PETSC_USE_REAL___FP16)
  #error "metasolve supports numbers in double precision only"
#endif

/* ---- what PETSc renamed or reshaped between 3.18 and 3.26 -------------------------------------------------------- */
#if PETSC_VERSION_LT(3, 19, 0)
  #define PETSC_SUCCESS  0
  #define MONITORS_AFTER PETSC_TRUE /* preonly calls its monitors twice after the solve; newer ones call one before it */
#else
  #define MONITORS_AFTER PETSC_FALSE
#endif
#if PETSC_VERSION_GE(3, 20, 0)
  #define PetscIgnoreErrorHandler PetscReturnErrorHandler
#endif
#if PETSC_VERSION_GE(3, 23, 0) /* a destructor is given the address of its context */
  #define PetscContainerSetUserDestroy(c, f) PetscContainerSetCtxDestroy(c, (PetscCtxDestroyFn *)(f))
  #define CONTEXT(argument)                  (*(void **)(argument))
  #define ContainerFrees(c)                  PetscContainerSetCtxDestroy(c, PetscCtxDestroyDefault)
#else
  #define CONTEXT(argument) (argument)
  #define ContainerFrees(c) PetscContainerSetUserDestroy(c, PetscContainerUserDestroyDefault)
#endif
#if PETSC_VERSION_GE(3, 25, 0)
  #define DomainError(snes) ((snes)->functiondomainerror)
#else
  #define DomainError(snes) ((snes)->domainerror)
#endif
#if PETSC_VERSION_GE(3, 26, 0) /* a PC knows its operator's state by one structure; no diagonal scaling any more */
  #define StateOf(pc)       ((pc)->matstate)
  #define StateSet(pc, s)   ((pc)->matstate = (s))
  #define ScalesSystem(ksp) PETSC_FALSE
  #define PreSolves(pc)     ((pc)->ops->presolve)
  /* KSPSetUp() calls PCSetUp() for a new right-hand side, too: where one waits, the KSP's set-up is asked first, as for a matrix */
  #define AskAgain(ksp) ((ksp)->dmActive ? (void)0 : (void)((ksp)->setupstage = KSP_SETUP_NEWMATRIX))
#else
typedef struct {
  PetscObjectState state, nonzerostate;
} MatState;
  #define StateOf(pc)       ((MatState){(pc)->matstate, (pc)->matnonzerostate})
  #define StateSet(pc, s)   ((pc)->matstate = (s).state, (pc)->matnonzerostate = (s).nonzerostate)
  #define PreSolves(pc)     ((pc)->presolve || (pc)->ops->presolve)
  #define ScalesSystem(ksp) ((ksp)->dscale)
  #define AskAgain(ksp)     (void)(ksp)
#endif
#define SetUpCalledSet(pc, yes) ((pc)->setupcalled = (yes) ? PETSC_TRUE : PETSC_FALSE)

#if defined(PETSC_USE_COMPLEX)
  #define METASOLVE_NUMBERS "-complex" /* what is learned of complex systems is apart from what is learned of real ones */
#else
  #define METASOLVE_NUMBERS ""
#endif
#define METASOLVE_WORD_(x) #x
#define METASOLVE_WORD(x)  METASOLVE_WORD_(x)
#define METASOLVE_PETSC \
  METASOLVE_WORD(PETSC_VERSION_MAJOR) \
  "." METASOLVE_WORD(PETSC_VERSION_MINOR) "." METASOLVE_WORD(PETSC_VERSION_SUBMINOR) METASOLVE_NUMBERS

#define METASOLVE_FEATURES_VERSION 3
#define METASOLVE_MAX_SETTINGS     64

/* ---- text.c: growing text, JSON, numbers in any locale, SHA-256 ------------------------------------------------------ */
typedef struct {
  char  *data;
  size_t used, room;
} Text;
void TextAdd(Text *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void TextPut(Text *, const char *);    /* as it is */
void TextString(Text *, const char *); /* quoted and escaped as JSON */
void TextNumber(Text *, double);       /* null when not finite */
void TextFree(Text *);
#define TEXT_DECIMAL 9e6            /* the largest number that ... */
void   TextDecimal(Text *, double); /* ... is written to the ninth decimal, and read as TextRounded() has it */
double TextRounded(double);
#define TEXT_RUN 24
void      TextRun(char run[TEXT_RUN]);            /* a name that no other run has */
void      TextTime(Text *);                       /* seconds since 1970 */
double    TextToNumber(const char *, char **end); /* as strtod() and snprintf(), with a point in any locale */
void      TextPlain(char *);                      /* what is not printable becomes ?: text from a file, to be quoted */
void      TextPrint(char *, size_t, const char *format, ...) __attribute__((format(printf, 3, 4)));
PetscBool TextAmong(const char *names, char between, const char *name); /* is it one of these? */
typedef struct {
  sigset_t mask; /* of this thread */
  int      pending;
} SizeLimit;
void           SizeLimitLift(SizeLimit *before);                       /* a file that grows too large is EFBIG until ... */
void           SizeLimitSettle(const SizeLimit *before);               /* ... here, and no SIGXFSZ that ends the program */
PetscErrorCode AppendLine(const char *path, const Text *, int *error); /* one write(2): lines of several writers never mix */

/* ---- matrix.c: rows of an AIJ matrix, content hash, PETSc binary files --------------------------------------------- */
typedef struct { /* one local row, split as MPIAIJ stores it; columns of `off` are indices into `garray` */
  PetscInt           n, noff;
  const PetscInt    *col, *off;
  const PetscScalar *val, *offval;
} Row;
typedef struct {
  Mat                diag, off;
  const PetscInt    *ai, *aj, *bi, *bj, *garray;
  const PetscScalar *aa, *ba;
  PetscInt           rstart, rend, cstart;
} Rows;
PetscErrorCode    RowsOpen(Mat, Rows *);
PetscErrorCode    RowsClose(Mat, Rows *);
static inline Row RowsGet(const Rows *r, PetscInt i) /* i: local row */
{
  Row row = {r->ai[i + 1] - r->ai[i], 0, r->aj + r->ai[i], NULL, r->aa + r->ai[i], NULL};
  if (r->off) {
    row.noff   = r->bi[i + 1] - r->bi[i];
    row.off    = r->bj + r->bi[i];
    row.offval = r->ba + r->bi[i];
  }
  return row;
}
PetscErrorCode MatIsRows(Mat, PetscBool *);                          /* can RowsOpen() read it? */
PetscErrorCode MatContentHash(Mat, char hex[17], PetscInt64 *nnz);   /* independent of the number of ranks */
PetscErrorCode MatPatternHash(Mat, uint64_t *hash, PetscInt64 *nnz); /* likewise */
PetscErrorCode MatWrite(Mat, const char *path, PetscInt64 *bytes, int *error);
PetscErrorCode VecsWrite(PetscInt n, const Vec[], const char *path, PetscInt64 *bytes, int *error);

/* ---- rows.c, features.c ---------------------------------------------------------------------------------------------------- */
#define METASOLVE_FEATURES          35
#define METASOLVE_LOG_ASYMMETRY     4 /* places of features */
#define METASOLVE_DIAGONAL_RANGE    9
#define METASOLVE_NEGATIVE_DIAGONAL 11
#define METASOLVE_ROW_SUM           23
extern const char *const MetasolveFeatureNames[METASOLVE_FEATURES];
typedef struct { /* what "change since the previous operator" compares with, and vectors to work with */
  Vec              work[2];
  double          *logdiag;               /* of the sampled rows */
  PetscBool        compare, fresh, plain; /* plain: no entry that was looked at has an imaginary part */
  PetscObjectId    id;
  PetscObjectState state;
  double           change; /* from the operator before to this one: what later solves with it are told, too */
} Previous;
PetscErrorCode PreviousOpen(Mat, Vec, Previous *);
PetscErrorCode PreviousFree(Previous *);
#define METASOLVE_BINS 5
typedef struct { /* summed over rows, then over ranks */
  double rows, image, skew, scaled, change, dominance, dominant, diagonals, logd, logd2, negative, positive, weight, entries,
    bins[METASOLVE_BINS], ratio, near, near_lower, far, far_lower, fill, imbalance, row_sum, row_sums,
    imaginary; /* imaginary: of their magnitudes */
} Sums;
typedef struct { /* maxima over rows, then over ranks; minima as negatives */
  double length, dominance, diag, small, gershgorin;
} Maxima;

PetscErrorCode RowsLook(Mat, PetscInt rows, PetscInt reach, Previous *, Sums *, Maxima *);
PetscErrorCode FeaturesCompute(Mat, Vec b, PetscReal bnorm, PetscReal rtol, PetscReal abstol, PetscBool guess, Previous *,
                               double out[]);

/* ---- policy_load.c, policy_file.c, policy.c -------------------------------------------------------------------------- */
typedef struct _Policy *Policy;
typedef struct {
  int  n;
  char name[METASOLVE_MAX_SETTINGS][64], value[METASOLVE_MAX_SETTINGS][64];
} Settings;
typedef struct { /* about one state of the operator */
  Settings  settings;
  double    expected;    /* seconds the program's own settings would probably take; 0: unknown */
  double    foreseen;    /* the same, before anything was seen of this program: how systems differ */
  PetscBool symmetric;   /* the operator, with a positive diagonal */
  double    patience;    /* seconds that the host's own solve may still seem to need, while it solves; 0: any */
  Why       why;         /* the program's own settings are used; WHY_NOT: the model's are */
  char      detail[256]; /* of why; empty: its text is enough */
} Decision;
PetscErrorCode PolicyLoad(MPI_Comm, const char *dir, Policy *, char *why, size_t whylen); /* *policy NULL: why says the reason */
PetscBool      PolicyIsDefault(Policy);
PetscBool      PolicyIsConstant(Policy); /* PolicyDecide() looks at no features; expected is 0: unknown */
PetscInt       PolicyLeastRows(Policy);  /* smaller systems are not worth looking at before they have shown to be hard ... */
double         PolicyLook(Policy);       /* ... a look at one of them takes at most so many seconds */
void           PolicyDecide(Policy, const double features[], Decision *);
PetscBool   PolicySecond(Policy,
                         Decision *); /* the second choice takes the place of the first; false: it is the same, or there is none */
PetscBool   SettingsSame(const Settings *, const Settings *);
const char *SettingsGet(const Settings *, const char *name); /* empty: it is not set */
void        PolicyRelease(Policy);                           /* of PolicyLoad(); NULL: nothing */

/* ---- settings.c: what a model may set, settings.def ------------------------------------------------------------------ */
PetscBool SettingAllowed(const char *name, const char *value); /* value NULL: any */

/* ---- basis_file.c ------------------------------------------------------------------------------------------------- */
#define BASIS_ROWS (sizeof(PetscInt) == 8 ? (int64_t)1 << 44 : (int64_t)INT32_MAX) /* the most: sizes in bytes fit 64 bits */
typedef struct _BasisFile BasisFile;
struct _BasisFile {
  char   path[PETSC_MAX_PATH_LEN + 16];
  void  *head; /* of headlen bytes; sane() checks it and sets what follows */
  size_t headlen;
  PetscBool (*sane)(BasisFile *);
  int64_t   rows, modes, modified; /* modified: ns */
  uint64_t  checksum;              /* of what follows it in the file */
  long long basis_at;
  void     *numbers; /* between the head and the basis, 8 bytes each */
  double   *basis;   /* (modes, rows of this rank), once a vector was asked for */
  PetscInt  start, n;
  PetscBool lost; /* some rank cannot read it */
};
#define BASIS_OTHER (-2) /* it is of real numbers, and this PETSc's are complex: none of the functions below is called */
PetscErrorCode BasisFileOpen(MPI_Comm, BasisFile *, int *have); /* have: 1; 0 there is none; -1 it is not a whole one */
PetscErrorCode BasisFileNumbers(MPI_Comm, BasisFile *);         /* numbers stay NULL where the checksum is another */
PetscErrorCode BasisFileDecode(BasisFile *, int64_t modes, const double z[], Vec x, PetscBool *made);
PetscErrorCode BasisFileProject(BasisFile *, int64_t first, Vec b, double z[], PetscBool *made);
void           BasisFileFree(BasisFile *);
PetscBool      AllFinite(size_t n, const double x[]);
/* Four sums side by side: one alone waits for each addition to end. */
static inline double Dot(size_t n, const double a[], const double b[])
{
  double s[4] = {0, 0, 0, 0};
  size_t i    = 0;

  for (; i + 4 <= n; i += 4)
    for (size_t k = 0; k < 4; k++) s[k] += a[i + k] * b[i + k];
  for (; i < n; i++) s[0] += a[i] * b[i];
  return (s[0] + s[1]) + (s[2] + s[3]);
}
void Combine(size_t n, size_t k, const double *a, const double z[], double *y);

/* ---- guess.c ------------------------------------------------------------------------------------------------------ */
typedef struct _Guess *Guess;
PetscErrorCode         GuessLoad(MPI_Comm, const char *dir, Guess *, char *why, size_t whylen); /* NULL: none here, or why not */
PetscErrorCode         GuessFits(Guess, Mat, PetscBool *yes); /* is it of the grid that was learned from? */
PetscErrorCode         GuessMake(Guess, Mat A, Vec b, Vec x, PetscBool *made);
PetscBool              GuessAlone(Guess);                /* the program's own settings go with it, not the model's */
PetscBool              GuessSettings(Guess, Decision *); /* settings of its own do; false: there are none */

/* ---- newton_guess.c --------------------------------------------------------------------------------------------- */
typedef struct _NewtonGuess *NewtonGuess;
typedef struct {
  PetscInt  points[3], dof;  /* of a DMDA; 0: of none */
  PetscInt  from[3], own[3]; /* the corner and the size of what this rank has */
  PetscBool periodic;        /* along any axis */
} Grid;
PetscErrorCode GridOf(DM, Vec, Grid *); /* collective */
PetscErrorCode NewtonGuessLoad(MPI_Comm, const char *dir, NewtonGuess *, char *why, size_t whylen);
PetscErrorCode NewtonGuessMake(NewtonGuess, const Grid *, Vec x, PetscBool *made);
void           NewtonGuessFree(NewtonGuess);

/* ---- exported: register.c, features.c, limits.c ------------------------------------------------------------------- */
PETSC_EXTERN PetscErrorCode MetasolveRegister(void);
PETSC_EXTERN int            MetasolveFeatureCount(void);
PETSC_EXTERN const char    *MetasolveFeatureName(int);
PETSC_EXTERN PetscErrorCode MetasolveFeatures(Mat, Vec, double rtol, double abstol, int guess, double out[]);
PETSC_EXTERN PetscErrorCode MetasolveAttach(KSP, const char *model, const char *prior, const char *log, int trial);
PETSC_EXTERN PetscErrorCode MetasolveShare(KSP, KSP other);
PETSC_EXTERN PetscErrorCode MetasolveBegin(const char *model, const char *prior, const char *log);
PETSC_EXTERN PetscErrorCode MetasolveBeginRecording(const char *dir);
PETSC_EXTERN PetscErrorCode MetasolveAdopt(KSP);
PETSC_EXTERN PetscErrorCode MetasolveEnd(void);
PETSC_EXTERN PetscErrorCode MetasolveTell(KSP, int measure, double tolerance);
PETSC_EXTERN PetscErrorCode MetasolveDetach(KSP);
PETSC_EXTERN const char    *MetasolveLastRecord(KSP);
