/* Stand-ins: a PETSc (-DFAKE_PETSC=minor, -DPetscInt=long), an MPI (-DFAKE_MPI="what it says"), a program (-DMAIN; -DALONE: without PETSc). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#if !defined(PetscInt)
  #define PetscInt int
#endif

int PetscDLLibraryOpen(const char *path);

#if defined(FAKE_MPI)
int MPI_Get_library_version(char *text, int *n)
{
  strcpy(text, FAKE_MPI);
  *n = (int)strlen(text);
  return 0;
}
#elif defined(FAKE_PETSC)
long PETSC_COMM_WORLD = 0x44000000; /* MPICH's MPI_COMM_WORLD; wide enough for a pointer */

int PetscGlobalMinMaxInt(int comm, const PetscInt in[2], PetscInt out[2])
{
  printf("comm %x\n", (unsigned int)comm);
  out[0] = in[0];
  out[1] = in[1];
  return 0;
}

int PetscGetVersionNumber(PetscInt *major, PetscInt *minor, PetscInt *subminor, PetscInt *release)
{
  *major    = 3;
  *minor    = FAKE_PETSC;
  *subminor = 0;
  *release  = 1;
  return 0;
}

int PetscDataTypeFromString(const char *name, int *type, int *found)
{
  *type  = !strcmp(name, "int") ? 16 : 1;
  *found = 1;
  return 0;
}

int PetscDataTypeGetSize(int type, size_t *bytes)
{
  *bytes = type == 16 ? sizeof(PetscInt) : 8;
  return 0;
}
#endif

#if defined(FAKE_PETSC) || defined(ALONE)
/* As PETSc loads a plug-in. */
int PetscDLLibraryOpen(const char *path)
{
  int (*start)(void);
  void *library = dlopen(path, RTLD_LAZY);

  if (!library) return 65;
  *(void **)&start = dlsym(library, "PetscDLLibraryRegister_metasolve");
  return start ? start() + 0 : 66;
}
#endif

#if defined(MAIN)
/* Arguments: the plug-in, and a PETSc that is opened only now, if any. Then all that is loaded is printed. */
int main(int argc, char **argv)
{
  char  line[1024];
  FILE *maps;
  int (*call)(const char *) = NULL;
  void *petsc               = argc > 2 ? dlopen(argv[2], RTLD_NOW | RTLD_LOCAL) : NULL;

  if (petsc) *(void **)&call = dlsym(petsc, "PetscDLLibraryOpen");
  else call = PetscDLLibraryOpen;
  printf("code %d\n", call(argv[1]));
  maps = fopen("/proc/self/maps", "r");
  while (fgets(line, sizeof line, maps))
    if (strchr(line, '/')) printf("%s", strchr(line, '/'));
  return 0;
}
#endif
