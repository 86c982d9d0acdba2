/* census.c - the names that the loaded objects import. Nothing here can fail: what cannot be read is passed over. */
#define _GNU_SOURCE
#include "census.h"
#include "reroute.h"
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* ---- which functions, and which kinds of PC ---- */
#define MADE      "gamg ml exotic hmg" /* their levels come with the set-up ... */
#define MULTIGRID "mg " MADE           /* ... and so does what is on them */
#define FACTORS   "lu cholesky ilu icc qr"
typedef struct {
  const char *function, *types;
  PetscBool   hooked; /* it is replaced while a set-up waits, and has that done first, by all ranks together */
} Name;
static const Name names[] = {
  {"PCSetUp",                    "",                 PETSC_FALSE},
  {"PCMGGetSmoother",            MULTIGRID,          PETSC_FALSE},
  {"PCMGGetSmootherUp",          MULTIGRID,          PETSC_FALSE},
  {"PCMGGetSmootherDown",        MULTIGRID,          PETSC_FALSE},
  {"PCMGGetCoarseSolve",         MULTIGRID,          PETSC_FALSE},
  {"PCMGGetInterpolation",       MULTIGRID,          PETSC_FALSE},
  {"PCMGGetRestriction",         MULTIGRID,          PETSC_FALSE},
  {"PCMGGetInjection",           MULTIGRID,          PETSC_FALSE},
  {"PCMGGetRScale",              MULTIGRID,          PETSC_FALSE},
  {"PCMGGetGridComplexity",      MULTIGRID,          PETSC_FALSE},
  {"PCMGSetNumberSmooth",        MADE,               PETSC_FALSE},
  {"PCMGSetDistinctSmoothUp",    MADE,               PETSC_FALSE},
  {"PCMGSetCycleType",           MADE,               PETSC_FALSE},
  {"PCMGSetCycleTypeOnLevel",    MADE,               PETSC_FALSE},
  {"PCMGSetResidual",            MADE,               PETSC_FALSE},
  {"PCMGSetResidualTranspose",   MADE,               PETSC_FALSE},
  {"PCMGSetInterpolation",       MADE,               PETSC_FALSE},
  {"PCMGSetRestriction",         MADE,               PETSC_FALSE},
  {"PCMGSetInjection",           MADE,               PETSC_FALSE},
  {"PCMGSetRScale",              MADE,               PETSC_FALSE},
  {"PCMGSetOperators",           MADE,               PETSC_FALSE},
  {"PCMGSetRhs",                 MADE,               PETSC_FALSE},
  {"PCMGSetX",                   MADE,               PETSC_FALSE},
  {"PCMGSetR",                   MADE,               PETSC_FALSE},
  {"PCASMGetLocalSubmatrices",   "asm",              PETSC_FALSE},
  {"PCASMGetLocalSubdomains",    "asm",              PETSC_FALSE},
  {"PCGASMGetSubmatrices",       "gasm",             PETSC_FALSE},
  {"PCGASMGetSubdomains",        "gasm",             PETSC_FALSE},
  {"PCFieldSplitGetIS",          "fieldsplit",       PETSC_FALSE},
  {"PCFieldSplitGetISByIndex",   "fieldsplit",       PETSC_FALSE},
  {"PCFieldSplitSchurGetS",      "fieldsplit",       PETSC_FALSE},
  {"PCFieldSplitGetSchurBlocks", "fieldsplit",       PETSC_FALSE},
  {"PCRedistributeGetKSP",       "redistribute",     PETSC_FALSE},
  {"PCHYPREGetSolver",           "hypre",            PETSC_FALSE},
  {"PCAmgXGetResources",         "amgx",             PETSC_FALSE},
  {"PCPatchGetSubKSP",           "patch",            PETSC_FALSE},
  {"PCMPIGetKSP",                "mpi",              PETSC_FALSE},
  {"PCHPDDMGetComplexities",     "hpddm",            PETSC_FALSE},
  {"PCFactorGetMatrix",          FACTORS,            PETSC_TRUE },
  {"PCBJacobiGetSubKSP",         "bjacobi",          PETSC_TRUE },
  {"PCBJacobiGetLocalBlocks",    "bjacobi",          PETSC_TRUE },
  {"PCBJacobiGetTotalBlocks",    "bjacobi",          PETSC_TRUE },
  {"PCASMGetSubKSP",             "asm",              PETSC_TRUE },
  {"PCGASMGetSubKSP",            "gasm",             PETSC_TRUE },
  {"PCFieldSplitGetSubKSP",      "fieldsplit",       PETSC_TRUE },
  {"PCFieldSplitSchurGetSubKSP", "fieldsplit",       PETSC_TRUE },
  {"PCTelescopeGetKSP",          "telescope",        PETSC_TRUE },
  {"PCTelescopeGetDM",           "telescope",        PETSC_TRUE },
  {"PCDeflationGetCoarseKSP",    "deflation",        PETSC_TRUE },
  {"PCDeflationGetPC",           "deflation",        PETSC_TRUE },
  {"PCRedundantGetKSP",          "redundant",        PETSC_TRUE },
  {"PCRedundantGetOperators",    "redundant",        PETSC_TRUE },
  {"PCGalerkinGetKSP",           "galerkin",         PETSC_TRUE },
  {"PCKSPGetKSP",                "ksp",              PETSC_TRUE },
  {"PCBJKOKKOSGetKSP",           "bjkokkos",         PETSC_TRUE },
  {"PCCompositeGetPC",           "composite",        PETSC_TRUE },
  {"PCJacobiGetDiagonal",        "jacobi",           PETSC_TRUE },
  {"PCHYPREGetCFMarkers",        "hypre",            PETSC_TRUE },
  {"PCMGGetLevels",              MULTIGRID,          PETSC_TRUE },
  {"PCGetInterpolations",        MULTIGRID " hypre", PETSC_TRUE },
  {"PCGetCoarseOperators",       MULTIGRID " hypre", PETSC_TRUE },
};
#define NAMES ((int)(sizeof names / sizeof *names))

static PetscBool          found[NAMES]; /* and never lost: what called it may still be on the stack */
static unsigned long long loaded;       /* objects, ever, at the last look; 0: there was none */

/* Fortran's names are in lower case with an underscore, after a number where there are several. */
static PetscBool Names(const char *symbol, const char *function)
{
  const size_t length = strlen(function);

  if (strncasecmp(symbol, function, length)) return PETSC_FALSE;
  symbol += length;
  return (PetscBool)(!symbol[strspn(symbol, "0123456789_")]);
}

static int Find(const char *symbol)
{
  if (strncasecmp(symbol, "pc", 2)) return NAMES;
  for (int i = 0; i < NAMES; i++)
    if (Names(symbol, names[i].function)) return i;
  return NAMES;
}

/* ---- one object: what is to be found for it elsewhere has a relocation ---- */
#if __ELF_NATIVE_CLASS == 64
  #define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
  #define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif
typedef struct {
  const char *at;
  size_t      bytes, each;
} Relocations;
typedef struct {
  const ElfW(Sym) * symbol;
  const char *text;
  size_t      bytes; /* of text */
  Relocations calls, other;
  PetscErrorCode (*setup)(PC); /* NULL: the object is not petsc4py */
  PetscBool together;          /* it calls what is hooked by all ranks together */
} Table;

static PetscBool Holds(const struct dl_phdr_info *o, const void *at)
{
  for (int i = 0; i < o->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &o->dlpi_phdr[i];
    if (p->p_type == PT_LOAD && (uintptr_t)at - (o->dlpi_addr + p->p_vaddr) < p->p_memsz) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Some loaders leave addresses as they are in the file. */
static const void *Address(const struct dl_phdr_info *o, ElfW(Addr) given)
{
  const void *at = (const void *)given;

  if (Holds(o, at)) return at;
  at = (const void *)(o->dlpi_addr + given);
  return Holds(o, at) ? at : NULL;
}

static void TableOf(const struct dl_phdr_info *o, Table *t)
{
  *t = (Table){.calls.each = sizeof(ElfW(Rela)), .other.each = sizeof(ElfW(Rela))};
  for (int i = 0; i < o->dlpi_phnum; i++) {
    if (o->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    for (const ElfW(Dyn) *d = (const void *)(o->dlpi_addr + o->dlpi_phdr[i].p_vaddr); d->d_tag != DT_NULL; d++) {
      if (d->d_tag == DT_SYMTAB) t->symbol = Address(o, d->d_un.d_ptr);
      if (d->d_tag == DT_STRTAB) t->text = Address(o, d->d_un.d_ptr);
      if (d->d_tag == DT_STRSZ) t->bytes = d->d_un.d_val;
      if (d->d_tag == DT_JMPREL) t->calls.at = Address(o, d->d_un.d_ptr);
      if (d->d_tag == DT_PLTRELSZ) t->calls.bytes = d->d_un.d_val;
      if (d->d_tag == DT_PLTREL && d->d_un.d_val == DT_REL) t->calls.each = sizeof(ElfW(Rel));
      if (d->d_tag == DT_RELA || d->d_tag == DT_REL) t->other.at = Address(o, d->d_un.d_ptr);
      if (d->d_tag == DT_RELASZ || d->d_tag == DT_RELSZ) t->other.bytes = d->d_un.d_val;
      if (d->d_tag == DT_REL) t->other.each = sizeof(ElfW(Rel));
    }
  }
}

/* Is it read-only since the object was loaded? */
static PetscBool Guarded(const struct dl_phdr_info *o, const void *at)
{
  for (int i = 0; i < o->dlpi_phnum; i++) {
    const ElfW(Phdr) *p = &o->dlpi_phdr[i];
    if (p->p_type == PT_GNU_RELRO && (uintptr_t)at - (o->dlpi_addr + p->p_vaddr) < p->p_memsz) return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

/* Of petsc4py's imports only those count that cannot be led elsewhere: it calls what the program asks it to. */
static void Note(const struct dl_phdr_info *o, const Table *t, const char *symbol, ElfW(Addr) offset)
{
  const int i    = Find(symbol);
  void    **slot = (void **)(o->dlpi_addr + offset);

  if (i == NAMES || (t->together && names[i].hooked)) return;
  if (t->setup && Holds(o, slot) && Reroute(symbol, slot, Guarded(o, slot), t->setup)) return;
  found[i] = PETSC_TRUE;
}

static void NoteAll(const struct dl_phdr_info *o, const Table *t, const Relocations *r)
{
  for (size_t i = 0; r->at && i + r->each <= r->bytes; i += r->each) {
    const ElfW(Rel) *one = (const ElfW(Rel) *)(r->at + i);
    const size_t k       = SYMBOL_OF(one->r_info);
    const ElfW(Sym) *s   = &t->symbol[k];

    if (k && s->st_shndx == SHN_UNDEF && s->st_name < t->bytes) Note(o, t, t->text + s->st_name, one->r_offset);
  }
}

static PetscBool Called(const struct dl_phdr_info *o, const char *begins)
{
  const char *name = strrchr(o->dlpi_name, '/');

  return (PetscBool)!strncmp(name ? name + 1 : o->dlpi_name, begins, strlen(begins));
}

/* PETSc itself and we call nothing that the program does not. */
static PetscBool Passed(const struct dl_phdr_info *o)
{
  return (PetscBool)(Called(o, "libpetsc") || Holds(o, names));
}

typedef struct {
  unsigned long long before; /* objects ever loaded until the last look */
  PetscErrorCode (*setup)(PC);
} Looking;

static int Look(struct dl_phdr_info *o, size_t size, void *looking)
{
  const Looking *l = (const Looking *)looking;
  Table          t;

  loaded = size > offsetof(struct dl_phdr_info, dlpi_adds) ? o->dlpi_adds : 1; /* it does not say: one look is all */
  if (loaded == l->before) return 1;
  if (Passed(o)) return 0;
  TableOf(o, &t);
  if (strstr(o->dlpi_name, "/petsc4py/")) t.setup = l->setup;
  t.together = (PetscBool)(t.setup || Called(o, "libslepc"));
  if (t.symbol && t.text) NoteAll(o, &t, &t.calls);
  if (t.symbol && t.text) NoteAll(o, &t, &t.other);
  return 0;
}

static PetscBool OneOf(const char *type, const char *types)
{
  const size_t length = strlen(type);

  for (const char *at = types; (at = strstr(at, type)); at++)
    if ((at == types || at[-1] == ' ') && (!at[length] || at[length] == ' ')) return PETSC_TRUE;
  return PETSC_FALSE;
}

static void LookAtAll(PetscErrorCode (*setup)(PC))
{
  Looking looking = {.before = loaded, .setup = setup};

  (void)dl_iterate_phdr(Look, &looking);
}

PetscBool CensusCalls(const char *function, PetscErrorCode (*setup)(PC))
{
  const int i = Find(function);

  LookAtAll(setup);
  return (PetscBool)(i < NAMES && found[i]);
}

PetscBool CensusFinds(const char *type, PetscBool several, PetscErrorCode (*setup)(PC))
{
  LookAtAll(setup);
  for (int i = 0; i < NAMES; i++)
    if (found[i] && (several || !names[i].hooked) && OneOf(type, names[i].types)) return PETSC_TRUE;
  return PETSC_FALSE;
}
