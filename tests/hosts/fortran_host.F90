! Poisson with the five-point stencil, solver from the options database.
!     -n <n>, -solves <count>
!     -monitor, -test: of the program's own; -looks norms|built|read: at what; -patience <calls>: the test accepts nothing before
! Each of their calls prints `<who> it <i> norm <n> its <i> rnorm <n> calls <n> [true <n>]`.

module watched
#include <petsc/finclude/petscksp.h>
  use petscksp
  implicit none

  character(len=8) :: looks = 'norms'
  PetscInt :: patience = 0

contains

  subroutine monitor(solver, it, norm, calls, ierr)
    KSP :: solver
    PetscInt :: it, calls
    PetscReal :: norm
    PetscErrorCode :: ierr

    calls = calls + 1
    call tell('monitor', solver, it, norm, calls, ierr)
  end subroutine monitor

  subroutine test(solver, it, norm, reason, calls, ierr)
    KSP :: solver
    PetscInt :: it, calls
    PetscReal :: norm
    KSPConvergedReason :: reason
    PetscErrorCode :: ierr

    calls = calls + 1
    reason = KSP_CONVERGED_ITERATING
    if (norm <= 1.d-6 .and. calls > patience) reason = KSP_CONVERGED_HAPPY_BREAKDOWN
    call tell('test', solver, it, norm, calls, ierr)
  end subroutine test

  subroutine tell(who, solver, it, norm, calls, ierr)
    character(len=*), intent(in) :: who
    KSP :: solver
    PetscInt :: it, calls, its
    PetscReal :: norm, rnorm, size
    PetscErrorCode :: ierr
    character(len=200) :: line, seen

    PetscCall(KSPGetIterationNumber(solver, its, ierr))
    PetscCall(KSPGetResidualNorm(solver, rnorm, ierr))
    seen = ''
    if (looks /= 'norms') then
      call look(solver, size, ierr)
      if (ierr /= 0) return
      write (seen, '(a,es22.15)') ' true ', size
    end if
    write (line, '(2a,i0,a,es22.15,a,i0,a,es22.15,a,i0,2a)') who, ' it ', it, ' norm ', norm, ' its ', its, &
      ' rnorm ', rnorm, ' calls ', calls, trim(seen), new_line('a')
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, trim(line), ierr))
  end subroutine tell

  ! The residual norm of the solution that is built, or of the entries that are read.
  subroutine look(solver, size, ierr)
    KSP :: solver
    PetscReal :: size
    PetscErrorCode :: ierr
    Vec :: b, x, y, r
    Mat :: A, P
    PetscScalar, pointer :: from(:), to(:)
    PetscScalar :: minus

    minus = -1.d0
    PetscCall(KSPGetRhs(solver, b, ierr))
    PetscCall(KSPGetOperators(solver, A, P, ierr))
    PetscCall(VecDuplicate(b, y, ierr))
    PetscCall(VecDuplicate(b, r, ierr))
    if (looks == 'built') then
      PetscCall(KSPBuildSolution(solver, y, x, ierr))
    else
      PetscCall(KSPGetSolution(solver, x, ierr))
      PetscCall(VecGetArrayReadF90(x, from, ierr))
      PetscCall(VecGetArrayF90(y, to, ierr))
      to = from
      PetscCall(VecRestoreArrayF90(y, to, ierr))
      PetscCall(VecRestoreArrayReadF90(x, from, ierr))
    end if
    PetscCall(MatMult(A, y, r, ierr))
    PetscCall(VecAYPX(r, minus, b, ierr))
    PetscCall(VecNorm(r, NORM_2, size, ierr))
    PetscCall(VecDestroy(r, ierr))
    PetscCall(VecDestroy(y, ierr))
  end subroutine look

end module watched

program fortran_host
#include <petsc/finclude/petscksp.h>
  use petscksp
  use watched
  implicit none

  Mat :: A
  Vec :: b, x, r
  KSP :: solver
  KSPConvergedReason :: reason
  PetscErrorCode :: ierr
  PetscInt :: n, solves, k, its, monitored, tested
  PetscReal :: rnorm, bnorm, xnorm
  PetscScalar :: value
  PetscBool :: found, wanted
  character(len=160) :: line

  PetscCallA(PetscInitialize(ierr))
  n = 32
  solves = 2
  PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-n', n, found, ierr))
  PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-solves', solves, found, ierr))
  PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-patience', patience, found, ierr))
  PetscCallA(PetscOptionsGetString(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-looks', looks, found, ierr))
  call create_laplacian()
  PetscCallA(MatCreateVecs(A, x, b, ierr))
  PetscCallA(VecDuplicate(b, r, ierr))

  PetscCallA(KSPCreate(PETSC_COMM_WORLD, solver, ierr))
  PetscCallA(KSPSetOperators(solver, A, A, ierr))
  PetscCallA(KSPSetFromOptions(solver, ierr))
  PetscCallA(PetscOptionsHasName(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-monitor', wanted, ierr))
  if (wanted) then
    PetscCallA(KSPMonitorSet(solver, monitor, monitored, PETSC_NULL_FUNCTION, ierr))
  end if
  PetscCallA(PetscOptionsHasName(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-test', wanted, ierr))
  if (wanted) then
    PetscCallA(KSPSetConvergenceTest(solver, test, tested, PETSC_NULL_FUNCTION, ierr))
  end if
  do k = 0, solves - 1
    monitored = 0
    tested = 0
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
