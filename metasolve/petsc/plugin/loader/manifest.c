/*
   manifest.c - core.txt: what the core was built for, and whether it is whole. Lines of a key and a value.
*/
#define _GNU_SOURCE
#include "loader.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REBUILD  "run metasolve doctor, which builds it again"
#define THAT_ONE "set METASOLVE_PETSC_DIR to the program's PETSc"

static void Take(Manifest *m, const char *key, const char *value)
{
  const struct {
    const char *key;
    int        *number;
  } numbers[] = {
    {"release", &m->kind.release},
    {"int",     &m->kind.integer},
    {"real",    &m->kind.real   },
    {"scalar",  &m->kind.scalar },
    {"device",  &m->kind.device },
    {"saws",    &m->kind.saws   }
  };

  if (!strcmp(key, "petsc")) snprintf(m->kind.petsc, sizeof m->kind.petsc, "%s", value);
  else if (!strcmp(key, "mpi")) snprintf(m->mpi, sizeof m->mpi, "%s", value);
  else if (!strcmp(key, "sha256")) snprintf(m->sha256, sizeof m->sha256, "%s", value);
  else if (!strcmp(key, "sources")) snprintf(m->sources, sizeof m->sources, "%s", value);
  else if (!strcmp(key, "bytes")) m->bytes = strtoll(value, NULL, 10);
  else if (!strcmp(key, "needs") && m->needs < MAX_NEEDS) snprintf(m->need[m->needs++], NAME_ROOM, "%s", value);
  else
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
      if (!strcmp(key, numbers[i].key)) *numbers[i].number = (int)strtol(value, NULL, 10);
}

int ManifestRead(const char *path, Manifest *m, char why[LINE_ROOM])
{
  char  line[512];
  FILE *file = fopen(path, "re");

  memset(m, 0, sizeof *m);
  m->kind.mpi = m->mpi;
  if (!file) {
    snprintf(why, LINE_ROOM, "%.600s cannot be read (%s); " REBUILD, path, strerror(errno));
    return 1;
  }
  while (fgets(line, sizeof line, file)) {
    char *value               = strchr(line, ' ');
    line[strcspn(line, "\n")] = 0;
    if (!value) continue;
    *value = 0;
    Take(m, line, value + 1);
  }
  fclose(file);
  if (*m->kind.petsc && *m->mpi && m->kind.integer && m->kind.real && m->kind.scalar && m->bytes && *m->sha256) return 0;
  snprintf(why, LINE_ROOM, "%.600s is damaged; " REBUILD, path);
  return 1;
}

static const char *Precision(int real)
{
  return real == 2 ? "half" : real == 4 ? "single" : real == 8 ? "double" : real == 16 ? "quadruple" : "unknown";
}

static int Refuse(char why[LINE_ROOM], const char *what, const char *program, const char *core)
{
  snprintf(why, LINE_ROOM, "the program runs PETSc with %s%s, but the plug-in was built for %s; " THAT_ONE, what, program, core);
  return 1;
}

/* The kind of PETSc must be the same, or its objects are laid out differently. */
static int KindFits(const Kind *core, const Kind *program, char why[LINE_ROOM])
{
  if (strcmp(core->mpi, program->mpi)) return Refuse(why, "MPI: ", program->mpi, core->mpi);
  if (strcmp(core->petsc, program->petsc)) return Refuse(why, "version ", program->petsc, core->petsc);
  if (core->release != program->release)
    return Refuse(why, "", program->release ? "a release" : "a state of its repository", core->release ? "a release" : "another");
  if (core->integer != program->integer)
    return Refuse(why, "", program->integer == 8 ? "64-bit indices" : "32-bit indices", core->integer == 8 ? "64-bit" : "32-bit");
  if (core->real != program->real) return Refuse(why, "numbers in precision ", Precision(program->real), Precision(core->real));
  if (core->scalar != program->scalar)
    return Refuse(why, "", program->scalar > program->real ? "complex numbers" : "real numbers",
                  core->scalar > core->real ? "complex ones" : "real ones");
  if (core->device != program->device || core->saws != program->saws)
    return Refuse(why, "", "other parts configured in (devices, SAWs)", "another configuration");
  return 0;
}

/* Everything of PETSc and MPI that the core is linked to must be there already: else the dynamic linker would load a second one. */
int ManifestFits(const Manifest *m, const Program *program, char why[LINE_ROOM])
{
  if (KindFits(&m->kind, &program->kind, why)) return 1;
  for (int i = 0; i < m->needs; i++) {
    void *library = dlopen(m->need[i], RTLD_LAZY | RTLD_NOLOAD);
    void *other   = library ? dlsym(library, IDENTITY) : NULL;
    if (library && (!other || other == program->identity)) continue;
    snprintf(why, LINE_ROOM, "the plug-in was built with %s, which is not what the program runs; " THAT_ONE, m->need[i]);
    return 1;
  }
  return 0;
}

int ManifestVerifies(const Manifest *m, const char *core, char why[LINE_ROOM])
{
  long long bytes = -1;
  char      hex[SHA256_ROOM];

  if (Sha256File(core, &bytes, hex)) snprintf(why, LINE_ROOM, "%.600s cannot be read (%s); " REBUILD, core, strerror(errno));
  else if (bytes != m->bytes)
    snprintf(why, LINE_ROOM, "%.600s is damaged (%lld bytes instead of %lld); " REBUILD, core, bytes, m->bytes);
  else if (strcmp(hex, m->sha256)) snprintf(why, LINE_ROOM, "%.600s is damaged (its SHA-256 is another); " REBUILD, core);
  else return 0;
  return 1;
}
