/* Three solves of changing operators, and what is asked after each of the preconditioner, which is whatever options say:
   -ask levels, or block (on the first rank alone). -library FILE: AskLevels() of that library, loaded after the first solve. */
#include "host.h"
#include <dlfcn.h>
#if !defined(LATE)
  #include "asks.h"

static PetscErrorCode AskBlock(PC pc)
{
  PetscMPIInt rank;
  PetscInt    n;
  KSP        *ksp;
  PCType      type;
  PC          sub;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (rank) PetscFunctionReturn(0);
  PetscCall(PCBJacobiGetSubKSP(pc, &n, NULL, &ksp));
  PetscCall(KSPGetPC(ksp[0], &sub));
  PetscCall(PCGetType(sub, &type));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "%" PetscInt_FMT " blocks of %s\n", n, type));
  PetscFunctionReturn(0);
}
#endif

int main(int argc, char **argv)
{
  PetscErrorCode (*ask)(PC) = NULL;
  char      library[PETSC_MAX_PATH_LEN], what[16] = "";
  PetscBool late, levels, block;
  PetscInt  n = 40;
  Mat       A;
  Vec       x, b;
  KSP       ksp;
  PC        pc;

  PetscCall(PetscInitialize(&argc, &argv, NULL, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-library", library, sizeof library, &late));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-ask", what, sizeof what, NULL));
  PetscCall(PetscStrcmp(what, "levels", &levels));
  PetscCall(PetscStrcmp(what, "block", &block));
#if !defined(LATE)
  if (levels) ask = AskLevels;
  if (block) ask = AskBlock;
#endif
  PetscCall(CreateLaplacian(n, 1, PETSC_FALSE, &A));
  PetscCall(MatCreateVecs(A, &x, &b));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &ksp));
  PetscCall(KSPSetFromOptions(ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  for (PetscInt step = 0; step < 3; step++) {
    PetscCall(FillLaplacian(A, n, 1 + step, PETSC_FALSE));
    PetscCall(FillRightHandSide(b, step));
    PetscCall(KSPSetOperators(ksp, A, A));
    PetscCall(KSPSolve(ksp, b, x));
    PetscCall(Report(ksp, b, x));
    if (ask) PetscCall((*ask)(pc));
    if (late && !ask) {
      void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
      PetscCheck(handle, PETSC_COMM_SELF, PETSC_ERR_FILE_OPEN, "%s", dlerror());
      *(void **)&ask = dlsym(handle, "Ask");
      PetscCheck(ask, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED, "%s", dlerror());
    }
  }
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&A));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&b));
  return PetscFinalize();
}
