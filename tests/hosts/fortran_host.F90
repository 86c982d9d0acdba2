! Poisson with the five-point stencil, solver from the options database.
!     -n <n>, -solves <count>

program fortran_host
#include <petsc/finclude/petscksp.h>
  use petscksp
  implicit none

  Mat :: A
  Vec :: b, x, r
  KSP :: solver
  KSPConvergedReason :: reason
  PetscErrorCode :: ierr
  PetscInt :: n, solves, k, its
  PetscReal :: rnorm, bnorm, xnorm
  PetscScalar :: value
  PetscBool :: found
  character(len=160) :: line

  PetscCallA(PetscInitialize(ierr))
  n = 32
  solves = 2
  PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-n', n, found, ierr))
  PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-solves', solves, found, ierr))
  call create_laplacian()
  PetscCallA(MatCreateVecs(A, x, b, ierr))
  PetscCallA(VecDuplicate(b, r, ierr))

  PetscCallA(KSPCreate(PETSC_COMM_WORLD, solver, ierr))
  PetscCallA(KSPSetOperators(solver, A, A, ierr))
  PetscCallA(KSPSetFromOptions(solver, ierr))
  do k = 0, solves - 1
    value = k + 1
    PetscCallA(VecSet(b, value, ierr))
    PetscCallA(KSPSolve(solver, b, x, ierr))
    PetscCallA(KSPGetConvergedReason(solver, reason, ierr))
    PetscCallA(KSPGetIterationNumber(solver, its, ierr))
    PetscCallA(MatMult(A, x, r, ierr))
    value = -1.d0
    PetscCallA(VecAYPX(r, value, b, ierr))
    PetscCallA(VecNorm(r, NORM_2, rnorm, ierr))
    PetscCallA(VecNorm(b, NORM_2, bnorm, ierr))
    PetscCallA(VecNorm(x, NORM_2, xnorm, ierr))
    write (line, '(a,i0,a,i0,a,i0,a,es12.6,a,es16.10,a)') 'solve ', k, ' reason ', reason, ' iterations ', its, &
      ' residual ', rnorm/bnorm, ' norm ', xnorm, ' prefix -'//new_line('a')
    PetscCallA(PetscPrintf(PETSC_COMM_WORLD, trim(line), ierr))
  end do

  PetscCallA(KSPDestroy(solver, ierr))
  PetscCallA(VecDestroy(r, ierr))
  PetscCallA(VecDestroy(x, ierr))
  PetscCallA(VecDestroy(b, ierr))
  PetscCallA(MatDestroy(A, ierr))
  PetscCallA(PetscFinalize(ierr))

contains

  subroutine create_laplacian()
    PetscInt, parameter :: one = 1, two = 2, five = 5
    PetscInt :: i, first, last, row(1), column(1)
    PetscScalar :: four(1), minus(1)

    four = 4.d0
    minus = -1.d0
    PetscCallA(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, n*n, n*n, five, PETSC_NULL_INTEGER, two, PETSC_NULL_INTEGER, A, ierr))
    PetscCallA(MatGetOwnershipRange(A, first, last, ierr))
    do i = first, last - 1
      row(1) = i
      PetscCallA(MatSetValues(A, one, row, one, row, four, INSERT_VALUES, ierr))
      column(1) = i - 1
      if (mod(i, n) > 0) then
        PetscCallA(MatSetValues(A, one, row, one, column, minus, INSERT_VALUES, ierr))
      end if
      column(1) = i + 1
      if (mod(i, n) < n - 1) then
        PetscCallA(MatSetValues(A, one, row, one, column, minus, INSERT_VALUES, ierr))
      end if
      column(1) = i - n
      if (i >= n) then
        PetscCallA(MatSetValues(A, one, row, one, column, minus, INSERT_VALUES, ierr))
      end if
      column(1) = i + n
      if (i < n*(n - 1)) then
        PetscCallA(MatSetValues(A, one, row, one, column, minus, INSERT_VALUES, ierr))
      end if
    end do
    PetscCallA(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY, ierr))
    PetscCallA(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY, ierr))
  end subroutine create_laplacian

end program fortran_host
