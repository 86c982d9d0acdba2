/* unread.c - asks for options of inner solvers that nobody has made. */
#include "unread.h"
#include <string.h>
#include <strings.h>

#define LEVELS  "mg_levels_ mg_coarse_ mg_fine_ mat_product_ matptap_ matmatmult_"
#define FACTORS "mat_mumps_ mat_superlu_ mat_umfpack_ mat_klu_ mat_cholmod_ mat_spqr_ mat_pastix_ mat_strumpack_ mat_mkl_"
static const struct {
  const char *type, *begins; /* behind the prefix of the PC */
} below[] = {
  {"mg",           LEVELS                                                                    },
  {"gamg",         LEVELS " pc_gamg_esteig_ gamg_est_ pc_gamg_mat_partitioning_ mat_coarsen_"},
  {"ml",           LEVELS                                                                    },
  {"exotic",       LEVELS                                                                    },
  {"hmg",          LEVELS " hmg_"                                                            },
  {"bjacobi",      "sub_"                                                                    },
  {"asm",          "sub_"                                                                    },
  {"gasm",         "sub_"                                                                    },
  {"composite",    "sub_"                                                                    },
  {"fieldsplit",   "fieldsplit_"                                                             },
  {"lsc",          "lsc_"                                                                    },
  {"redundant",    "redundant_"                                                              },
  {"redistribute", "redistribute_"                                                           },
  {"telescope",    "telescope_"                                                              },
  {"deflation",    "deflation_"                                                              },
  {"galerkin",     "galerkin_"                                                               },
  {"hpddm",        "pc_hpddm_"                                                               },
  {"ksp",          "ksp_ksp_ ksp_pc_"                                                        },
  {"lu",           FACTORS                                                                   },
  {"cholesky",     FACTORS                                                                   },
  {"qr",           FACTORS                                                                   },
  {"ilu",          FACTORS                                                                   },
  {"icc",          FACTORS                                                                   },
};

static Unread   *waiting = NULL;
static PetscBool called  = PETSC_FALSE; /* PetscFinalize() calls AtEnd() */

static PetscBool Below(const char *name, const char *begins)
{
  while (*begins) {
    const size_t length = strcspn(begins, " ");
    if (!strncasecmp(name, begins, length)) return PETSC_TRUE;
    begins += length;
    begins += strspn(begins, " ");
  }
  return PETSC_FALSE;
}

static PetscErrorCode Ask(const char *prefix, const char *begins)
{
  const size_t length = strlen(prefix);
  char       **names, name[1024];
  PetscInt     n;

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, NULL));
  for (PetscInt i = 0; i < n; i++) {
    if (strncasecmp(names[i], prefix, length) || !Below(names[i] + length, begins)) continue;
    snprintf(name, sizeof name, "-%s", names[i]);
    PetscCall(PetscOptionsFindPair(NULL, NULL, name, NULL, NULL));
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UnreadAsk(Unread *u)
{
  PetscFunctionBegin;
  if (!u->at) PetscFunctionReturn(PETSC_SUCCESS);
  UnreadDrop(u);
  for (size_t i = 0; i < sizeof below / sizeof *below; i++)
    if (!strcmp(u->type, below[i].type)) PetscCall(Ask(u->prefix, below[i].begins));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void UnreadDrop(Unread *u)
{
  if (!u->at) return;
  *u->at = u->next;
  if (u->next) u->next->at = u->at;
  u->at = NULL;
}

/* What the program has not destroyed by then. */
static PetscErrorCode AtEnd(void *data)
{
  PetscFunctionBegin;
  (void)data;
  called = PETSC_FALSE;
  while (waiting) PetscCall(UnreadAsk(waiting));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Objects registered for it are destroyed in PetscFinalize(), before options are listed. */
static PetscErrorCode CallAtEnd(void)
{
  PetscContainer c;

  PetscFunctionBegin;
  PetscCall(PetscContainerCreate(PETSC_COMM_SELF, &c));
  PetscCall(PetscContainerSetPointer(c, &waiting));
  PetscCall(PetscContainerSetUserDestroy(c, AtEnd));
  PetscCall(PetscObjectRegisterDestroy((PetscObject)c));
  called = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode UnreadKeep(PC pc, Unread *u)
{
  const char *prefix = ((PetscObject)pc)->prefix;

  PetscFunctionBegin;
  if (!called) PetscCall(CallAtEnd());
  UnreadDrop(u);
  snprintf(u->prefix, sizeof u->prefix, "%s", prefix ? prefix : "");
  snprintf(u->type, sizeof u->type, "%s", ((PetscObject)pc)->type_name);
  u->next = waiting;
  u->at   = &waiting;
  if (waiting) waiting->at = &u->next;
  waiting = u;
  PetscFunctionReturn(PETSC_SUCCESS);
}
