/* reroute.c - stand-ins for functions of PETSc that petsc4py calls. */
#define _GNU_SOURCE
#include "reroute.h"
#include <petscksp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static PetscErrorCode (*SetUpNow)(PC);

/* One for each function and signature. */
#define ON_LEVEL(function, type) \
  static PetscErrorCode function##_Rerouted(PC pc, PetscInt level, type it) \
  { \
    PetscFunctionBegin; \
    if (pc) PetscCall(SetUpNow(pc)); \
    PetscCall(function(pc, level, it)); \
    PetscFunctionReturn(PETSC_SUCCESS); \
  }
#define OF_ALL(function, type) \
  static PetscErrorCode function##_Rerouted(PC pc, type it) \
  { \
    PetscFunctionBegin; \
    if (pc) PetscCall(SetUpNow(pc)); \
    PetscCall(function(pc, it)); \
    PetscFunctionReturn(PETSC_SUCCESS); \
  }
ON_LEVEL(PCMGGetSmoother, KSP *)
ON_LEVEL(PCMGGetSmootherUp, KSP *)
ON_LEVEL(PCMGGetSmootherDown, KSP *)
OF_ALL(PCMGGetCoarseSolve, KSP *)
ON_LEVEL(PCMGGetInterpolation, Mat *)
ON_LEVEL(PCMGGetRestriction, Mat *)
ON_LEVEL(PCMGGetRScale, Vec *)
OF_ALL(PCMGSetCycleType, PCMGCycleType)
ON_LEVEL(PCMGSetCycleTypeOnLevel, PCMGCycleType)
ON_LEVEL(PCMGSetInterpolation, Mat)
ON_LEVEL(PCMGSetRestriction, Mat)
ON_LEVEL(PCMGSetRScale, Vec)
ON_LEVEL(PCMGSetRhs, Vec)
ON_LEVEL(PCMGSetX, Vec)
ON_LEVEL(PCMGSetR, Vec)

static PetscErrorCode PCASMGetLocalSubdomains_Rerouted(PC pc, PetscInt *n, IS *all[], IS *local[])
{
  PetscFunctionBegin;
  if (pc) PetscCall(SetUpNow(pc));
  PetscCall(PCASMGetLocalSubdomains(pc, n, all, local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef void (*Function)(void);
#define ROUTE(function) {#function, (Function)function##_Rerouted}
static const struct {
  const char *name;
  Function    to;
} routes[] = {
  ROUTE(PCMGGetSmoother),
  ROUTE(PCMGGetSmootherUp),
  ROUTE(PCMGGetSmootherDown),
  ROUTE(PCMGGetCoarseSolve),
  ROUTE(PCMGGetInterpolation),
  ROUTE(PCMGGetRestriction),
  ROUTE(PCMGGetRScale),
  ROUTE(PCMGSetCycleType),
  ROUTE(PCMGSetCycleTypeOnLevel),
  ROUTE(PCMGSetInterpolation),
  ROUTE(PCMGSetRestriction),
  ROUTE(PCMGSetRScale),
  ROUTE(PCMGSetRhs),
  ROUTE(PCMGSetX),
  ROUTE(PCMGSetR),
  ROUTE(PCASMGetLocalSubdomains),
};

static PetscBool Lead(void **slot, PetscBool guarded, Function to)
{
  const uintptr_t page  = (uintptr_t)sysconf(_SC_PAGESIZE);
  void           *start = (void *)((uintptr_t)slot & ~(page - 1)); /* a slot is aligned: it lies in one page */

  if (guarded && mprotect(start, page, PROT_READ | PROT_WRITE)) return PETSC_FALSE;
  memcpy(slot, &to, sizeof to);
  if (guarded) (void)mprotect(start, page, PROT_READ);
  return PETSC_TRUE;
}

PetscBool Reroute(const char *function, void **slot, PetscBool guarded, PetscErrorCode (*setup)(PC))
{
  SetUpNow = setup;
#if defined(__x86_64__) || defined(__aarch64__) /* where what a slot holds is the address of a function, and nothing else */
  for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
    if (!strcmp(function, routes[i].name)) return Lead(slot, guarded, routes[i].to);
#else
  (void)function;
  (void)slot;
  (void)guarded;
  (void)Lead;
#endif
  return PETSC_FALSE;
}
