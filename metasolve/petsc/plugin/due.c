/* due.c - whether the set-up of a PC is due, and may wait. */
#include "due.h"
#include "census.h"

/* A factor by SuperLU_DIST cannot be destroyed unless it was made; the set-up of a shell is code of the program's, which may do
   anything. */
static PetscErrorCode MayWait(PC pc, PetscBool *may)
{
  PetscObjectState state;
  PetscBool        factors, fragile = PETSC_FALSE;
  MatSolverType    package = NULL;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factors, PCLU, PCCHOLESKY, PCILU, PCICC, ""));
  if (factors) PetscCall(PCFactorGetMatSolverType(pc, &package));
  if (package) PetscCall(PetscStrcmp(package, MATSOLVERSUPERLU_DIST, &fragile));
  else PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &fragile, PCSHELL, "python", ""));
  PetscCall(PetscObjectStateGet((PetscObject)pc->pmat, &state));
  *may = (PetscBool)(!fragile && pc->ops->setup && !pc->reusepreconditioner && !(pc->setupcalled && StateOf(pc).state == state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DueOf(PC pc, PetscBool bare, PetscErrorCode (*setup)(PC), Due *due)
{
  const MPI_Comm comm = PetscObjectComm((PetscObject)pc);
  PetscBool      may  = PETSC_FALSE;
  PetscMPIInt    ranks;
  int            found;

  PetscFunctionBegin;
  *due = DUE_NOT;
  PetscCall(MayWait(pc, &may));
  if (!may) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  found = CensusFinds(((PetscObject)pc)->type_name, (PetscBool)(ranks > 1), setup);
  if (bare && !CensusCalls("PCSetUp", setup)) found = 1;
  if (ranks > 1) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &found, 1, MPI_INT, MPI_MAX, comm));
  *due = found ? DUE_NOW : DUE_LATER;
  PetscFunctionReturn(PETSC_SUCCESS);
}
