/*
   program.c - which PETSc called us, and which MPI it runs on, asked in ways that are the same in all of them.

   A process may hold several PETSc (a Python with petsc4py, a library that brings its own): the one that matters is the one that
   is loading us, found by the address that we return to. The global scope does not help: petsc4py's PETSc is not in it.
*/
#define _GNU_SOURCE
#include "loader.h"
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef int (*VersionNumber)(void *, void *, void *, void *);
typedef int (*TypeFromString)(const char *, int *, void *);
typedef int (*TypeSize)(int, size_t *);
typedef int (*LibraryVersion)(char *, int *);
typedef int (*MinMax)(uintptr_t, const void *, void *);

/* A handle of the object that holds `address`; for the program itself there is no name to open it by. */
static void *Holder(const void *address, Dl_info *info)
{
  void *object;

  if (!dladdr(address, info) || !info->dli_fname) return NULL;
  object = dlopen(info->dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  return object ? object : dlopen(NULL, RTLD_LAZY);
}

/* A function of the very object whose base address is given, not of one that it is linked to. */
static void *Own(void *object, const void *base, const char *name)
{
  Dl_info info;
  void   *f = dlsym(object, name);

  return f && dladdr(f, &info) && info.dli_fbase == base ? f : NULL;
}

static int SizeOf(void *petsc, const char *type)
{
  TypeFromString from;
  TypeSize       size;
  int            id    = 0;
  uint64_t       found = 0; /* room for any boolean */
  size_t         bytes = 0;

  *(void **)&from = dlsym(petsc, "PetscDataTypeFromString");
  *(void **)&size = dlsym(petsc, "PetscDataTypeGetSize");
  if (!from || !size || from(type, &id, &found) || !found || size(id, &bytes)) return 0;
  return (int)bytes;
}

/* What the core's calls would reach: the global scope goes first. */
static void *Reached(void *petsc, const char *name)
{
  void *f = dlsym(RTLD_DEFAULT, name);

  return f ? f : dlsym(petsc, name);
}

static int LookAtVersion(void *petsc, Kind *kind)
{
  VersionNumber version;
  uint64_t      wide[4] = {0}; /* room for the PetscInt of any PETSc */
  int           number[4];

  *(void **)&version = Reached(petsc, "PetscGetVersionNumber");
  if (!version || version(&wide[0], &wide[1], &wide[2], &wide[3])) return 1;
  for (int i = 0; i < 4; i++) {
    int32_t narrow;
    memcpy(&narrow, &wide[i], sizeof narrow);
    number[i] = kind->integer == 8 ? (int)wide[i] : narrow;
  }
  snprintf(kind->petsc, sizeof kind->petsc, "%d.%d", number[0], number[1]);
  kind->release = number[3] != 0;
  return 0;
}

static int HasOneOf(void *petsc, const char *const names[])
{
  for (; *names; names++)
    if (dlsym(petsc, *names)) return 1;
  return 0;
}

/* Who shares Open MPI's ABI has its symbols, whatever it calls itself; who shares MPICH's says one of these names. */
static const char *Family(const void *f, const char *text)
{
  static const char *const mpich[] = {"MPICH", "Intel", "MVAPICH"};
  Dl_info                  info;
  void                    *mpi = Holder(f, &info);

  if (mpi && dlsym(mpi, "ompi_mpi_comm_world")) return "Open MPI";
  if (strstr(text, "Open MPI")) return "Open MPI";
  for (size_t i = 0; i < sizeof mpich / sizeof *mpich; i++)
    if (strstr(text, mpich[i])) return "MPICH";
  return "other";
}

static void LookAtMpi(void *petsc, Kind *kind)
{
  static char    text[16384]; /* MPI_MAX_LIBRARY_VERSION_STRING is 256 in some, 8192 in others */
  LibraryVersion version;
  int            n = 0;
  void          *f = Reached(petsc, "MPI_Get_library_version"); /* maybe a profiler's */

  kind->mpi = f ? "other" : "none";
  *(void **)&version = f;
  if (!version || version(text, &n)) return;
  text[sizeof text - 1] = 0;
  kind->mpi             = Family(f, text);
}

int ProgramLook(const void *caller, Program *program, char why[LINE_ROOM])
{
  static const char *const device[] = {"VecCreateSeqCUDA", "VecCreateSeqHIP", "VecCreateSeqViennaCL", NULL};
  static const char *const saws[]   = {"PetscObjectSAWsBlock", NULL};
  Dl_info                  info;
  Kind                    *kind    = &program->kind;
  void                    *petsc   = Holder(caller, &info), *first;

  memset(program, 0, sizeof *program);
  program->petsc    = petsc;
  program->identity = petsc ? Own(petsc, info.dli_fbase, IDENTITY) : NULL;
  if (!program->identity) {
    snprintf(why, LINE_ROOM, "no shared PETSc has loaded the plug-in (one that is linked statically cannot); "
                               "link the program with a shared PETSc");
    return 1;
  }
  /* the global scope goes first when the core is linked: another PETSc in it would be called with this one's objects */
  first = dlsym(RTLD_DEFAULT, IDENTITY);
  if (first && first != program->identity) {
    snprintf(why, LINE_ROOM, "the program holds two PETSc, and its functions are not those of the one that it initialises; "
                               "link it with one");
    return 1;
  }
  kind->integer = SizeOf(petsc, "int");
  kind->real    = SizeOf(petsc, "real");
  kind->scalar  = SizeOf(petsc, "scalar");
  kind->device  = HasOneOf(petsc, device);
  kind->saws    = HasOneOf(petsc, saws);
  LookAtMpi(petsc, kind);
  if (kind->integer && kind->real && kind->scalar && !LookAtVersion(petsc, kind)) return 0;
  snprintf(why, LINE_ROOM, "the program's PETSc does not say its version and the sizes of its numbers; tell us which PETSc it is");
  return 1;
}

/*
   The core's start is collective: a rank that stays away (a node whose copy is damaged) would leave the others waiting.
   PETSc's communicator is handed back to PETSc without a look at it: an int where MPICH's ABI is used, a pointer in Open MPI's;
   either goes into one register.
*/
State ProgramLeast(const Program *program, State mine)
{
  int         open_mpi = !strcmp(program->kind.mpi, "Open MPI"), wide = program->kind.integer == 8;
  int         narrow[2] = {(int)mine, (int)mine};
  int64_t     in[2] = {(int)mine, (int)mine}, out[2] = {0, 0};
  uintptr_t   comm = 0;
  const void *world = Reached(program->petsc, "PETSC_COMM_WORLD"); /* an executable may hold the copy that counts */
  MinMax      reduce;

  *(void **)&reduce = dlsym(program->petsc, "PetscGlobalMinMaxInt");
  if (!world || !reduce || (!open_mpi && strcmp(program->kind.mpi, "MPICH"))) return mine;
  if (open_mpi) memcpy(&comm, world, sizeof comm);
  else {
    unsigned int handle;
    memcpy(&handle, world, sizeof handle);
    comm = handle;
  }
  if (!wide) memcpy(in, narrow, sizeof narrow);
  if (reduce(comm, in, out)) return REFUSED;
  memcpy(narrow, out, sizeof narrow);
  return (State)(wide ? (int)out[0] : narrow[0]);
}
