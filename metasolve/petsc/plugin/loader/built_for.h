/*
   built_for.h - read by the preprocessor alone, with the core's flags: its last lines are what core.txt says of this PETSc.
*/
#include <petscsys.h>
#if !defined(PETSC_USE_COMPLEX)
#define PARTS 1
#else
#define PARTS 2
#endif
#if defined(PETSC_USE_REAL_SINGLE)
#define REAL 4
#elif defined(PETSC_USE_REAL___FLOAT128)
#define REAL 16
#elif defined(PETSC_USE_REAL___FP16)
#define REAL 2
#else
#define REAL 8
#endif
metasolve_line petsc_major PETSC_VERSION_MAJOR
metasolve_line petsc_minor PETSC_VERSION_MINOR
metasolve_line release PETSC_VERSION_RELEASE
metasolve_line real REAL
metasolve_line parts PARTS
#if defined(PETSC_USE_64BIT_INDICES)
metasolve_line int 8
#else
metasolve_line int 4
#endif
#if defined(PETSC_HAVE_CUDA) || defined(PETSC_HAVE_HIP) || defined(PETSC_HAVE_VIENNACL)
metasolve_line device 1
#else
metasolve_line device 0
#endif
#if defined(PETSC_HAVE_SAWS)
metasolve_line saws 1
#else
metasolve_line saws 0
#endif
#if defined(OPEN_MPI)
metasolve_line mpi Open MPI
#elif defined(MPICH_VERSION) || defined(I_MPI_VERSION) || defined(MVAPICH_VERSION) || defined(MVAPICH2_VERSION)
metasolve_line mpi MPICH
#elif defined(PETSC_HAVE_MPIUNI)
metasolve_line mpi none
#else
metasolve_line mpi other
#endif
