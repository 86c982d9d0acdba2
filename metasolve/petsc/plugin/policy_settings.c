/* policy_settings.c - the settings section of policy.txt. */
#include "policy.h"
#include <string.h>

static void ReadWhen(Words *w, Policy p, Setting *s, int index)
{
  char parent[64];

  WordsExpect(w, "when");
  if (w->bad) return;
  WordsName(w, parent);
  s->nwhen  = WordsCount(w, 0, MAX_VALUES);
  s->parent = -1;
  for (int i = 0; i < index; i++)
    if (!strcmp(p->setting[i].name, parent)) s->parent = i;
  if (strcmp(parent, "-") && s->parent < 0) WordsComplain(w, "a setting named before", parent);
  for (int i = 0; i < s->nwhen && !w->bad; i++) WordsName(w, s->when[i]);
}

static void ReadSymmetric(Words *w, Setting *s)
{
  char word[64];

  WordsExpect(w, "symmetric");
  for (int i = w->bad ? 0 : WordsCount(w, 0, s->n - 1); i > 0 && !w->bad; i--) {
    WordsName(w, word);
    for (int v = 0; v < s->n; v++)
      if (!strcmp(s->values[v], word)) s->symmetric[v] = PETSC_TRUE;
  }
}

/* What is not a setting of a solver is none of a model's business: as an option it could write files or run code. */
static void CheckAllowed(Words *w, const Setting *s)
{
  PetscBool ok = SettingAllowed(s->name, s->kind == FLAG ? "1" : NULL);
  int       n  = s->kind == FIXED ? 1 : s->kind == CHOICE ? s->n : 0;
  char      told[160];

  if (w->bad) return;
  if (!ok) return WordsComplain(w, "the name of a solver setting", s->name);
  for (int v = 0; v < n && !w->bad; v++) {
    snprintf(told, sizeof told, "a value that %s may have", s->name);
    if (!SettingAllowed(s->name, s->values[v])) WordsComplain(w, told, s->values[v]);
  }
  snprintf(told, sizeof told, "numbers that %s may have", s->name);
  if ((s->kind == REAL || s->kind == INTEGER) && !SettingInRange(s->name, s->kind, s->low, s->high))
    WordsComplain(w, told, "others");
}

void PolicyReadSettings(Words *w, Policy p)
{
  static const char *const kinds[] = {"choice", "real", "integer", "flag", "fixed"}, *const scales[] = {"linear", "log"};

  WordsExpect(w, "settings");
  int n = w->bad ? 0 : WordsCount(w, 0, METASOLVE_MAX_SETTINGS);
  for (int i = 0; i < n && !w->bad; i++) {
    Setting *s = &p->setting[i];
    s->kind    = (Kind)WordsOneOf(w, 5, kinds);
    if (p->is_constant && s->kind != FIXED) WordsComplain(w, "fixed", kinds[s->kind]);
    if (w->bad) return;
    WordsName(w, s->name);
    if (s->kind == FIXED) WordsName(w, s->values[0]);
    else s->offset = WordsCount(w, 0, MAX_WIDTH);
    if (s->kind == CHOICE) {
      s->n = WordsCount(w, 1, MAX_VALUES);
      for (int v = 0; v < s->n && !w->bad; v++) WordsName(w, s->values[v]);
      ReadSymmetric(w, s);
    }
    if (s->kind == REAL || s->kind == INTEGER) {
      s->log  = WordsOneOf(w, 2, scales);
      s->low  = WordsNumber(w);
      s->high = WordsNumber(w);
      if (!(s->low <= s->high) || (s->log && s->low <= 0)) WordsComplain(w, "low <= high", s->name);
    }
    if (s->kind != FIXED && s->offset + PetscMax(s->n, 1) > p->network.width)
      WordsComplain(w, "an offset inside the last layer", s->name);
    ReadWhen(w, p, s, i);
    CheckAllowed(w, s);
    p->nsettings = i + 1;
  }
  const char *more = w->bad ? NULL : strtok_r(NULL, " \n", &w->rest);
  if (more) WordsComplain(w, "end of file", more);
}
