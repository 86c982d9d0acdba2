/*
   loader.h - the library that PETSc loads: it looks at the program first, and opens the plug-in proper only where that fits.

   libmetasolve.so (these files) needs neither PETSc nor MPI; core.so (the rest of the plug-in) needs those it was built with,
   and the dynamic linker would load them into a program that has others: two MPI in one process end it. What is asked here is
   asked by functions that are the same in all PETSc and MPI; the one handle that is passed on is PETSc's own communicator, to
   PETSc, unseen. Nothing here may end the program: where the two do not fit, one line says so and PETSc is told that all is well.

   Where the core beside the loader is for another PETSc, those in the folders next to this one are asked: one is there for each
   PETSc that a program was started with.

   Reading order: stub.c (what happens), program.c (what is loaded), folder.c (which core), manifest.c (what a core was built for),
   ../sha256.c.
*/
#pragma once
#include "../sha256.h"
#include <limits.h>
#include <stddef.h>

#define LINE_ROOM 1024
#define MAX_NEEDS 8
#define NAME_ROOM 128
#define IDENTITY  "PetscDataTypeGetSize" /* in every PETSc, and nothing that a tool would put itself in front of */

typedef struct {                     /* what has to agree between a program and the core */
  char        petsc[32];             /* major.minor */
  const char *mpi;                   /* "Open MPI", "MPICH" (each with all who share its ABI), "other" or "none" */
  int         release;               /* 0: from PETSc's repository */
  int         integer, real, scalar; /* bytes of PetscInt, PetscReal, PetscScalar */
  int         device, saws;          /* configured in: they add members to PETSc's objects */
} Kind;

typedef struct { /* core.txt */
  Kind      kind;
  char      mpi[32];
  long long bytes; /* of the core */
  char      sha256[SHA256_ROOM];
  char      sources[32]; /* a hash of what the core is made of */
  int       needs;
  char      need[MAX_NEEDS][NAME_ROOM]; /* the libraries of PETSc and MPI that the core is linked to */
} Manifest;

typedef struct {
  Kind        kind;
  const void *identity; /* address of a function of the PETSc that called us: tells one PETSc from another */
  void       *petsc;    /* handle of its object */
} Program;

/* All of these return 0 where it went well, and else fill `why` with "reason; remedy". */
int ManifestRead(const char *path, Manifest *, char why[LINE_ROOM]);
int ManifestFits(const Manifest *, const Program *, char why[LINE_ROOM]);
int ManifestVerifies(const Manifest *, const char *core, char why[LINE_ROOM]);
int ProgramLook(const void *caller, Program *, char why[LINE_ROOM]);
int FolderFind(const Program *, char core[PATH_MAX + 16], char why[LINE_ROOM]); /* a core that fits, and is whole */

/* How far a rank has come, and the least of that on all ranks: collective on PETSC_COMM_WORLD */
typedef enum {
  NOT_ASKED, /* its environment lacks our variables: mpiexec may not pass them on to other nodes */
  REFUSED,
  READY
} State;
State ProgramLeast(const Program *, State);
