! Heat equation with a varying coefficient, implicit Euler in time.
!
!     u_t - div(k(x,t) grad u) = q(x,t)   in (0,1)^2,   u = 0 on the boundary,   u(0) = 0
!
! Cell-centred finite volumes on an n x n grid. k is one in the matrix material and `contrast` in a
! disc that travels around the centre of the square (or stays, with -constant_coefficients); face
! coefficients are harmonic means. Every step solves the symmetric positive definite system
!
!     (h^2/dt + L(t)) u_new = h^2/dt u_old + h^2 q(t)
!
! The step grows by `growth` until it reaches dt_max, so that the first systems are dominated by
! the mass matrix and the last ones by the diffusion.
!
! Options
!     -n <n>                    cells per side (64)
!     -steps <steps>            number of time steps (20)
!     -dt <dt>                  first time step (1e-4)
!     -growth <factor>          growth of the time step (1.3)
!     -dt_max <dt>              largest time step (0.1)
!     -contrast <c>             coefficient inside the disc (100)
!     -speed <v>                turns of the disc per unit of time (2)
!     -constant_coefficients    the disc stays, and dt too: the operator is assembled once
!     -previous_guess           start each solve from the solution of the last step
!     -quiet                    print the summary only
!
! Krylov method and preconditioner come from the options database; conjugate gradients by default.

program heat
#include <petsc/finclude/petscksp.h>
  use petscksp
  implicit none

  real(8), parameter :: pi = 3.14159265358979323846d0
  Mat :: A
  Vec :: u, b, work
  KSP :: solver
  PetscErrorCode :: ierr
  PetscInt :: n, steps, step, first, last, its, total
  PetscReal :: dt, growth, dt_max, contrast, speed, time, h, rnorm, bnorm, unorm
  PetscBool :: constant, previous, quiet
  KSPConvergedReason :: reason
  PetscInt, parameter :: one = 1, five = 5, two = 2
  character(len=160) :: line

  PetscCallA(PetscInitialize(ierr))
  call read_options()
  h = 1.d0/n

  PetscCallA(MatCreate(PETSC_COMM_WORLD, A, ierr))
  PetscCallA(MatSetSizes(A, PETSC_DECIDE, PETSC_DECIDE, n*n, n*n, ierr))
  PetscCallA(MatSetType(A, MATAIJ, ierr))
  PetscCallA(MatSetFromOptions(A, ierr))
  PetscCallA(MatSeqAIJSetPreallocation(A, five, PETSC_NULL_INTEGER, ierr))
  PetscCallA(MatMPIAIJSetPreallocation(A, five, PETSC_NULL_INTEGER, two, PETSC_NULL_INTEGER, ierr))
  PetscCallA(MatSetOption(A, MAT_SYMMETRIC, PETSC_TRUE, ierr))
  PetscCallA(MatGetOwnershipRange(A, first, last, ierr))
  PetscCallA(MatCreateVecs(A, u, b, ierr))
  PetscCallA(VecDuplicate(u, work, ierr))
  PetscCallA(VecSet(u, 0.d0, ierr))

  PetscCallA(KSPCreate(PETSC_COMM_WORLD, solver, ierr))
  PetscCallA(KSPSetType(solver, KSPCG, ierr))
  PetscCallA(KSPSetInitialGuessNonzero(solver, previous, ierr))
  PetscCallA(KSPSetFromOptions(solver, ierr))

  time = 0.d0
  total = 0
  do step = 1, steps
    time = time + dt
    if (step == 1 .or. .not. constant) then
      call assemble()
      PetscCallA(KSPSetOperators(solver, A, A, ierr))
    end if
    call right_hand_side()
    PetscCallA(KSPSolve(solver, b, u, ierr))
    call report()
    if (.not. constant) dt = min(dt*growth, dt_max)
  end do

  PetscCallA(VecNorm(u, NORM_2, unorm, ierr))
  write (line, '(a,i0,a,i0,a,es13.6,a)') 'steps ', steps, ' iterations ', total, ' norm ', unorm*h, new_line('a')
  PetscCallA(PetscPrintf(PETSC_COMM_WORLD, line, ierr))

  PetscCallA(KSPDestroy(solver, ierr))
  PetscCallA(VecDestroy(work, ierr))
  PetscCallA(VecDestroy(b, ierr))
  PetscCallA(VecDestroy(u, ierr))
  PetscCallA(MatDestroy(A, ierr))
  PetscCallA(PetscFinalize(ierr))

contains

  subroutine read_options()
    PetscBool :: found

    n = 64
    steps = 20
    dt = 1.d-4
    growth = 1.3d0
    dt_max = 0.1d0
    contrast = 100.d0
    speed = 2.d0
    constant = PETSC_FALSE
    previous = PETSC_FALSE
    quiet = PETSC_FALSE
    PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-n', n, found, ierr))
    PetscCallA(PetscOptionsGetInt(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-steps', steps, found, ierr))
    PetscCallA(PetscOptionsGetReal(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-dt', dt, found, ierr))
    PetscCallA(PetscOptionsGetReal(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-growth', growth, found, ierr))
    PetscCallA(PetscOptionsGetReal(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-dt_max', dt_max, found, ierr))
    PetscCallA(PetscOptionsGetReal(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-contrast', contrast, found, ierr))
    PetscCallA(PetscOptionsGetReal(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-speed', speed, found, ierr))
    PetscCallA(PetscOptionsGetBool(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-constant_coefficients', constant, found, ierr))
    PetscCallA(PetscOptionsGetBool(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-previous_guess', previous, found, ierr))
    PetscCallA(PetscOptionsGetBool(PETSC_NULL_OPTIONS, PETSC_NULL_CHARACTER, '-quiet', quiet, found, ierr))
  end subroutine read_options

  ! Coefficient at the centre of cell (i,j)
  pure function coefficient(i, j) result(k)
    PetscInt, intent(in) :: i, j
    PetscReal :: k, turn

    turn = 0.d0
    if (.not. constant) turn = 2.d0*pi*speed*time
    k = 1.d0
    if (((i + 0.5d0)*h - 0.5d0 - 0.25d0*cos(turn))**2 + ((j + 0.5d0)*h - 0.5d0 - 0.25d0*sin(turn))**2 < 0.04d0) k = contrast
  end function coefficient

  ! Coefficient of the face between cells (i,j) and (p,q); a face on the boundary is half a cell away
  pure function face(i, j, p, q) result(k)
    PetscInt, intent(in) :: i, j, p, q
    PetscReal :: k, here, there

    here = coefficient(i, j)
    if (min(p, q) < 0 .or. max(p, q) >= n) then
      k = 2.d0*here
    else
      there = coefficient(p, q)
      k = 2.d0*here*there/(here + there)
    end if
  end function face

  subroutine assemble()
    PetscInt, parameter :: di(4) = [0, -1, 1, 0], dj(4) = [-1, 0, 0, 1]
    PetscInt :: r, row(1), i, j, p, q, s, entries, columns(5)
    PetscScalar :: values(5), k

    do r = first, last - 1
      row(1) = r
      i = mod(row(1), n)
      j = row(1)/n
      columns(1) = row(1)
      values(1) = h*h/dt
      entries = 1
      do s = 1, 4
        p = i + di(s)
        q = j + dj(s)
        k = face(i, j, p, q)
        values(1) = values(1) + k
        if (min(p, q) < 0 .or. max(p, q) >= n) cycle
        entries = entries + 1
        columns(entries) = q*n + p
        values(entries) = -k
      end do
      PetscCallA(MatSetValues(A, one, row, entries, columns, values, INSERT_VALUES, ierr))
    end do
    PetscCallA(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY, ierr))
    PetscCallA(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY, ierr))
  end subroutine assemble

  ! b = h^2/dt u + h^2 q, with a source that goes up and down near the lower left corner
  subroutine right_hand_side()
    PetscInt :: row, i, j
    PetscScalar, pointer :: values(:)

    PetscCallA(VecCopy(u, b, ierr))
    PetscCallA(VecScale(b, h*h/dt, ierr))
    PetscCallA(VecGetArrayF90(b, values, ierr))
    do row = first, last - 1
      i = mod(row, n)
      j = row/n
      values(row - first + 1) = values(row - first + 1) + h*h*(1.d0 + 0.5d0*sin(10.d0*time))* &
        exp(-40.d0*(((i + 0.5d0)*h - 0.3d0)**2 + ((j + 0.5d0)*h - 0.3d0)**2))
    end do
    PetscCallA(VecRestoreArrayF90(b, values, ierr))
  end subroutine right_hand_side

  subroutine report()
    PetscCallA(KSPGetConvergedReason(solver, reason, ierr))
    PetscCallA(KSPGetIterationNumber(solver, its, ierr))
    total = total + its
    if (quiet) return
    PetscCallA(MatMult(A, u, work, ierr))
    PetscCallA(VecAXPY(work, -1.d0, b, ierr))
    PetscCallA(VecNorm(work, NORM_2, rnorm, ierr))
    PetscCallA(VecNorm(b, NORM_2, bnorm, ierr))
    write (line, '(a,i0,a,es10.3,a,es10.3,a,i0,a,i0,a,es10.3,a)') 'step ', step, ' time ', time, ' dt ', dt, &
      ' reason ', reason, ' iterations ', its, ' residual ', rnorm/bnorm, new_line('a')
    PetscCallA(PetscPrintf(PETSC_COMM_WORLD, line, ierr))
  end subroutine report

end program heat
