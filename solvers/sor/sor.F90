! Successive over-relaxation for
!
!     -u_xx - anisotropy u_yy + reaction u = 1   in the unit square, u = 0 on its boundary,
!
! by five-point differences on n x n interior points. Usage: sor [namelist file]
program sor
  use, intrinsic :: iso_fortran_env, only: real64, error_unit
  implicit none

  integer  :: n = 64, max_sweeps = 200000
  real(real64) :: anisotropy = 1, reaction = 0, omega = 1.5d0, tolerance = 1d-8
  character(len=16) :: sweep = 'point'
  namelist /problem/ n, anisotropy, reaction
  namelist /solver/ omega, sweep, tolerance, max_sweeps

  real(real64), allocatable :: u(:, :), work(:)
  real(real64) :: h, ax, ay, diagonal, target, norm = 0
  integer :: count

  call read_input
  allocate (u(0:n + 1, 0:n + 1), source=0d0)
  allocate (work(n))
  h = 1d0/(n + 1)
  ax = 1/h**2
  ay = anisotropy/h**2
  diagonal = 2*(ax + ay) + reaction
  target = tolerance*n  ! the norm of the right-hand side is n

  do count = 1, max_sweeps
    select case (sweep)
    case ('point'); norm = point_sweep()
    case ('line_x'); norm = line_sweep_x()
    case ('line_y'); norm = line_sweep_y()
    case default
      write (error_unit, '(3a)') 'sor: no sweep called ', trim(sweep), '; point, line_x or line_y'
      stop 2
    end select
    if (norm <= target) exit
    if (.not. norm < 1d20) exit
  end do

  print '(a, i0)', 'sweeps = ', min(count, max_sweeps)
  print '(a, es12.4)', 'residual = ', norm/n
  if (.not. norm <= target) then
    print '(a)', 'NOT CONVERGED'
    stop 1
  end if
  print '(a, es22.14)', 'mean = ', sum(u)/real(n, real64)**2
  print '(a, es22.14)', 'centre = ', u((n + 1)/2, (n + 1)/2)
  print '(a)', 'CONVERGED'

contains

  subroutine read_input
    character(len=1024) :: file
    integer :: unit, status
    file = 'sor.nml'
    if (command_argument_count() > 0) call get_command_argument(1, file)
    open (newunit=unit, file=file, status='old', action='read', iostat=status)
    if (status == 0) read (unit, nml=problem, iostat=status)
    if (status == 0) read (unit, nml=solver, iostat=status)
    if (status /= 0) then
      write (error_unit, '(2a)') 'sor: cannot read ', trim(file)
      stop 2
    end if
    close (unit)
  end subroutine

  ! Each sweep returns the norm of the residuals it found before it removed them.

  function point_sweep() result(found)
    real(real64) :: found, r
    integer :: i, j
    found = 0
    do j = 1, n
      do i = 1, n
        r = 1 + ax*(u(i - 1, j) + u(i + 1, j)) + ay*(u(i, j - 1) + u(i, j + 1)) - diagonal*u(i, j)
        u(i, j) = u(i, j) + omega*r/diagonal
        found = found + r*r
      end do
    end do
    found = sqrt(found)
  end function

  function line_sweep_x() result(found)
    real(real64) :: found, line(n)
    integer :: j
    found = 0
    do j = 1, n
      line = 1 + ax*(u(0:n - 1, j) + u(2:n + 1, j)) + ay*(u(1:n, j - 1) + u(1:n, j + 1)) &
             - diagonal*u(1:n, j)
      found = found + sum(line**2)
      call solve_line(ax, line)
      u(1:n, j) = u(1:n, j) + omega*line
    end do
    found = sqrt(found)
  end function

  function line_sweep_y() result(found)
    real(real64) :: found, line(n)
    integer :: i
    found = 0
    do i = 1, n
      line = 1 + ax*(u(i - 1, 1:n) + u(i + 1, 1:n)) + ay*(u(i, 0:n - 1) + u(i, 2:n + 1)) &
             - diagonal*u(i, 1:n)
      found = found + sum(line**2)
      call solve_line(ay, line)
      u(i, 1:n) = u(i, 1:n) + omega*line
    end do
    found = sqrt(found)
  end function

  ! Thomas algorithm: `diagonal` on the diagonal, -off beside it.
  subroutine solve_line(off, x)
    real(real64), intent(in) :: off
    real(real64), intent(inout) :: x(n)
    real(real64) :: pivot
    integer :: i
    pivot = diagonal
    x(1) = x(1)/pivot
    do i = 2, n
      work(i) = off/pivot
      pivot = diagonal - off*work(i)
      x(i) = (x(i) + off*x(i - 1))/pivot
    end do
    do i = n - 1, 1, -1
      x(i) = x(i) + work(i + 1)*x(i + 1)
    end do
  end subroutine

end program
