/*
   register.c - how PETSc finds us: by -dll_append of loader/stub.c, or MetasolveAttach() for a KSP somebody holds.

   The constructor of every Krylov method that solves A x = b to a tolerance is wrapped, so that programs which hard-code
   their types, and never ask for options, are reached too. Left alone: preonly (direct solves), least-squares and
   trust-region methods, and whatever is made inside another solver's set-up or solve.
*/
#include "metasolve.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const wrapped[] = {
  KSPRICHARDSON, KSPCHEBYSHEV, KSPCG,    KSPGROPPCG, KSPPIPECG, KSPPIPECGRR, KSPPIPELCG,  KSPPIPEPRCG, KSPPIPECG2,    KSPFCG,  KSPPIPEFCG, KSPGMRES, KSPFGMRES, KSPLGMRES,  KSPDGMRES, KSPPGMRES, KSPPIPEFGMRES,
  KSPTCQMR,      KSPBCGS,      KSPIBCGS, KSPFBCGS,   KSPFBCGSR, KSPBCGSL,    KSPPIPEBCGS, KSPCGS,      KSPTFQMR, KSPCR,   KSPPIPECR,  KSPGCR,   KSPPIPEGCR, KSPMINRES, KSPSYMMLQ, KSPLCD,    KSPBICG,   KSPQMRCGS,
};
#define WRAPPED ((int)(sizeof wrapped / sizeof *wrapped))
typedef PetscErrorCode (*Constructor)(KSP);
static Constructor original[WRAPPED];
static Session    *environment = NULL; /* of the whole program */

static PetscErrorCode Construct(int i, KSP ksp)
{
  PetscFunctionBegin;
  PetscCall(original[i](ksp));
  if (!MetasolveDepth && environment) PetscCall(HostWrap(ksp, environment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KSPRegister() takes a function without context: one function per index */
#define ONE(n) \
  static PetscErrorCode Construct##n(KSP ksp) \
  { \
    return Construct(n, ksp); \
  }
ONE(0) ONE(1) ONE(2) ONE(3) ONE(4) ONE(5) ONE(6) ONE(7) ONE(8) ONE(9) ONE(10) ONE(11) ONE(12) ONE(13) ONE(14) ONE(15) ONE(16) ONE(17)
ONE(18) ONE(19) ONE(20) ONE(21) ONE(22) ONE(23) ONE(24) ONE(25) ONE(26) ONE(27) ONE(28) ONE(29) ONE(30) ONE(31) ONE(32) ONE(33) ONE(34)
static const Constructor constructors[] = {
  Construct0,  Construct1,  Construct2,  Construct3,  Construct4,  Construct5,  Construct6,  Construct7,  Construct8,  Construct9,  Construct10, Construct11,
  Construct12, Construct13, Construct14, Construct15, Construct16, Construct17, Construct18, Construct19, Construct20, Construct21, Construct22, Construct23,
  Construct24, Construct25, Construct26, Construct27, Construct28, Construct29, Construct30, Construct31, Construct32, Construct33, Construct34,
};
_Static_assert(sizeof constructors / sizeof *constructors >= sizeof wrapped / sizeof *wrapped, "one constructor for each wrapped type");
PETSC_EXTERN PetscFunctionList KSPList;

static PetscInt64 Number(const char *name, PetscInt64 otherwise)
{
  const char *text = getenv(name);

  return text && *text ? (PetscInt64)strtoll(text, NULL, 10) : otherwise;
}

static void Copy(char *to, size_t n, const char *from)
{
  snprintf(to, n, "%s", from ? from : "");
}

static void Complain(MPI_Comm comm, const Session *s)
{
  PetscMPIInt rank;

  MPI_Comm_rank(comm, &rank);
  if (!rank && *s->broken) fprintf(stderr, "metasolve: %s; every solve is left to the program's own settings\n", s->broken);
}

static PetscErrorCode SessionRun(MPI_Comm comm, const char *dir, const char *log, Session **session)
{
  Session    *s;
  const char *budget = getenv("METASOLVE_BUDGET");

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->mode       = MODE_RUN;
  s->any_prefix = PETSC_TRUE;
  s->budget     = budget && atof(budget) > 0 ? atof(budget) : 2;
  Copy(s->dir, sizeof s->dir, dir);
  Copy(s->log, sizeof s->log, log);
  PetscCall(PolicyLoad(comm, dir, &s->policy, s->broken, sizeof s->broken));
  if (s->policy) PetscCall(GuessLoad(comm, dir, &s->guess, s->broken, sizeof s->broken));
  if (s->policy && getenv("METASOLVE_INPUTS")) PetscCall(NewtonGuessLoad(comm, dir, &s->newton, s->broken, sizeof s->broken));
  Complain(comm, s);
  *session = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SessionRecord(const char *dir, Session **session)
{
  Session *s;
  Text     line = {0};
  int      rank, size, error = 0;
  char     path[PETSC_MAX_PATH_LEN + 32];
  struct timespec now;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->mode       = MODE_RECORD;
  s->any_prefix = PETSC_TRUE;
  Copy(s->dir, sizeof s->dir, dir);
  s->every       = (PetscInt)PetscMax(Number("METASOLVE_EVERY", 1), 1);
  s->max_systems = Number("METASOLVE_MAX_SYSTEMS", -1);
  s->max_bytes   = Number("METASOLVE_MAX_BYTES", -1);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  clock_gettime(CLOCK_REALTIME, &now);
  snprintf(s->run, sizeof s->run, "%08lx%05lx%04lx", (unsigned long)now.tv_sec, (unsigned long)now.tv_nsec >> 10 & 0xfffff, (unsigned long)getpid() & 0xffff);
  PetscCallMPI(MPI_Bcast(s->run, sizeof s->run, MPI_CHAR, 0, PETSC_COMM_WORLD));
  if (!rank) {
    TextAdd(&line, "{\"kind\":\"run\",\"format\":1,\"run\":\"%s\",\"petsc\":\"%d.%d.%d\",\"ranks\":%d,\"features_version\":%d,\"time\":%ld}\n", s->run, PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR, PETSC_VERSION_SUBMINOR, size, METASOLVE_FEATURES_VERSION, (long)now.tv_sec);
    snprintf(path, sizeof path, "%s/manifest.jsonl", s->dir);
    PetscCall(AppendLine(path, &line, &error));
    TextFree(&line);
    if (error) snprintf(s->broken, sizeof s->broken, "cannot write %.300s (%s)", path, strerror(error));
  }
  PetscCallMPI(MPI_Bcast(&error, 1, MPI_INT, 0, PETSC_COMM_WORLD));
  s->stopped = (PetscBool)(error != 0);
  Complain(PETSC_COMM_WORLD, s);
  *session = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forget(void)
{
  PetscFunctionBegin;
  if (environment && !--environment->references) {
    PolicyFree(environment->policy);
    NewtonGuessFree(environment->newton);
    PetscCall(PetscFree(environment));
  }
  environment = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WrapConstructors(void)
{
  PetscFunctionBegin;
  PetscCall(KSPInitializePackage());
  PetscCall(PCInitializePackage());
  for (int i = 0; i < WRAPPED; i++) {
    Constructor f = NULL;
    PetscCall(PetscFunctionListFind(KSPList, wrapped[i], (void (**)(void))&f));
    if (!f || f == constructors[i]) continue;
    original[i] = f;
    PetscCall(KSPRegister(wrapped[i], constructors[i]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Objects differ between versions: in a program with another PETSc than we were built for, none may be touched. */
static PetscBool SamePetsc(void)
{
  PetscInt64 major = 0, minor = 0; /* wide enough for the PetscInt of any PETSc */
  int        rank;

  /* a program may hide its PETSc from us: the one we see is then a second one, which nobody initialised */
  if (PETSC_COMM_WORLD != MPI_COMM_NULL) (void)PetscGetVersionNumber((PetscInt *)&major, (PetscInt *)&minor, NULL, NULL);
  if (major == PETSC_VERSION_MAJOR && minor == PETSC_VERSION_MINOR) return PETSC_TRUE;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) fprintf(stderr, "metasolve: built for PETSc %d.%d, but the program runs another: set METASOLVE_PETSC_DIR to that one; every solve is left to the program's own settings\n", PETSC_VERSION_MAJOR, PETSC_VERSION_MINOR);
  return PETSC_FALSE;
}

/* Called inside PetscInitialize(), by loader/stub.c, which PETSc loads. Collective on PETSC_COMM_WORLD. */
PetscErrorCode MetasolveRegister(void)
{
  const char *mode = getenv("METASOLVE_MODE"), *dir = getenv("METASOLVE_DIR"), *prefix = getenv("METASOLVE_PREFIX");

  PetscFunctionBegin;
  if (!mode || !dir || environment || !SamePetsc()) PetscFunctionReturn(PETSC_SUCCESS);
  if (!strcmp(mode, "run")) PetscCall(SessionRun(PETSC_COMM_WORLD, dir, getenv("METASOLVE_LOG"), &environment));
  else if (!strcmp(mode, "record") || !strcmp(mode, "record-newton")) PetscCall(SessionRecord(dir, &environment));
  else PetscFunctionReturn(PETSC_SUCCESS);
  environment->references = 1;
  if (prefix) {
    environment->any_prefix = PETSC_FALSE;
    Copy(environment->prefix, sizeof environment->prefix, prefix);
  }
  PetscCall(PetscRegisterFinalize(Forget));
  if (strcmp(mode, "record-newton")) PetscCall(WrapConstructors());
  if (environment->newton || !strcmp(mode, "record-newton")) PetscCall(NewtonWrapConstructors(environment));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool Known(const char *type)
{
  for (int i = 0; i < WRAPPED; i++)
    if (!strcmp(type, wrapped[i])) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode Attach(KSP ksp, Session *s)
{
  PetscFunctionBegin;
  PetscCall(HostWrap(ksp, s));
  if (ksp->setupstage == KSP_SETUP_NEWRHS) ksp->setupstage = KSP_SETUP_NEWMATRIX; /* our setup has to see the operator */
  ksp->setupnewmatrix = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Accelerates one KSP of the calling program, whose type is set. Collective on the KSP. */
PetscErrorCode MetasolveAttach(KSP ksp, const char *model, const char *log)
{
  Session  *s;
  PetscBool known;

  PetscFunctionBegin;
  PetscCheck(((PetscObject)ksp)->type_name, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_WRONGSTATE, "set the type of the KSP (KSPSetFromOptions) before attaching a model");
  known = Known(((PetscObject)ksp)->type_name);
  PetscCheck(known, PetscObjectComm((PetscObject)ksp), PETSC_ERR_SUP, "a KSP of type %s is not accelerated: it does not iterate on A x = b to a tolerance", ((PetscObject)ksp)->type_name);
  PetscCall(HostUnwrap(ksp));
  PetscCall(SessionRun(PetscObjectComm((PetscObject)ksp), model, log, &s));
  PetscCall(Attach(ksp, s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same with the model of another KSP, which is not read again. Collective on both. */
PetscErrorCode MetasolveShare(KSP ksp, KSP other)
{
  Host *h;

  PetscFunctionBegin;
  PetscCall(HostUnwrap(ksp));
  PetscCall(HostFind(other, &h));
  PetscCheck(h, PetscObjectComm((PetscObject)ksp), PETSC_ERR_ARG_WRONGSTATE, "the other KSP has no model attached");
  PetscCall(Attach(ksp, h->session));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode MetasolveDetach(KSP ksp)
{
  PetscFunctionBegin;
  PetscCall(HostUnwrap(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *MetasolveLastRecord(KSP ksp)
{
  Host *h;

  return HostFind(ksp, &h) || !h || !h->last.data ? "" : h->last.data;
}
