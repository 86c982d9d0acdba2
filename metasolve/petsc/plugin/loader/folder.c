/*
   folder.c - the core for a program: beside this library or, where that is for another PETSc, in a folder next to this one.
*/
#define _GNU_SOURCE
#include "loader.h"
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (PATH_MAX + 16)

/* Where a link to this library leads. */
static int Own(char folder[PATH_MAX], char why[LINE_ROOM])
{
  Dl_info info;
  char   *slash;

  if (!dladdr((const void *)&Own, &info) || !info.dli_fname || !realpath(info.dli_fname, folder) ||
      !(slash = strrchr(folder, '/'))) {
    snprintf(why, LINE_ROOM, "the plug-in's own folder cannot be found; give the full path of libmetasolve.so");
    return 1;
  }
  *slash = 0;
  return 0;
}

static int Join(const char *folder, const char *name, char path[ROOM], char why[LINE_ROOM])
{
  const int n = snprintf(path, ROOM, "%s/%s", folder, name);

  if (n >= 0 && n < ROOM) return 0;
  snprintf(why, LINE_ROOM, "the name of the plug-in's folder is too long; set XDG_CACHE_HOME to a shorter one");
  return 1;
}

static int Read(const char *folder, Manifest *m, char core[ROOM], char why[LINE_ROOM])
{
  static char text[ROOM];

  return Join(folder, "core.so", core, why) || Join(folder, "core.txt", text, why) || ManifestRead(text, m, why);
}

static int IsOne(const struct dirent *entry)
{
  return *entry->d_name >= '0' && *entry->d_name <= '9'; /* a version comes first */
}

/* Of the same sources, so that it is no older or newer one. The same on all ranks that see the same folders. */
static int Next(const char *own, const Manifest *mine, const Program *program, char core[ROOM])
{
  static char     folder[ROOM], all[PATH_MAX], ignored[LINE_ROOM];
  static Manifest m;
  struct dirent **names = NULL;
  const char     *slash = strrchr(own, '/');
  int             n, missing = 1;

  snprintf(all, sizeof all, "%.*s", slash ? (int)(slash - own) : 0, own);
  n = *all ? scandir(all, &names, IsOne, alphasort) : 0;
  for (int i = 0; i < n; i++) {
    if (missing && !Join(all, names[i]->d_name, folder, ignored) && !Read(folder, &m, core, ignored))
      missing = strcmp(m.sources, mine->sources) || ManifestFits(&m, program, ignored) || ManifestVerifies(&m, core, ignored);
    free(names[i]);
  }
  free(names);
  return missing;
}

int FolderFind(const Program *program, char core[ROOM], char why[LINE_ROOM])
{
  static char     own[PATH_MAX];
  static Manifest m;

  if (Own(own, why) || Read(own, &m, core, why)) return 1;
  if (ManifestFits(&m, program, why)) return Next(own, &m, program, core);
  return ManifestVerifies(&m, core, why);
}
