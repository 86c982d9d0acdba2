/* journal_lesson.c - what the state will have of a solve, at the end of its line in the journal. */
#include "runner.h"

static void AddNumbers(Text *t, const char *name, int n, const double x[])
{
  TextAdd(t, "\"%s\":[", name);
  for (int i = 0; i < n; i++) {
    if (i) TextPut(t, ",");
    TextDecimal(t, x[i]);
  }
  TextPut(t, "],");
}

/* What was found of a place of the numbers, and the numbers before. */
static void AddFinding(Text *t, const Lesson *l)
{
  const Numbers *n = &l->numbers;

  TextAdd(t, ",\"numbers\":{\"candidate\":\"%s\",\"found\":[%d,%d],\"count\":[%d,%d,%d,%d,%d,%d,%d],\"of\":{", n->candidate,
          (int)l->finding, l->gain, n->step, n->turn, n->side, n->gone, n->failed, n->gain, n->last);
  for (int i = 0; i < n->n; i++) {
    const Number *x = &n->of[i];
    TextAdd(t, "%s\"%s\":[%d,%d,%d,%d,", i ? "," : "", x->name, x->at, x->good, x->low, x->high);
    TextDecimal(t, x->own);
    TextPut(t, ",");
    TextDecimal(t, x->each);
    TextAdd(t, ",%d]", x->log);
  }
  TextPut(t, "}}");
}

/* All of it, and exactly: so the state can be made again from the journal. */
void JournalLesson(Text *t, const Solve *s)
{
  const Lesson *l = &s->lesson;
  const Prior   p = PolicyPrior(s->run->policy);

  TextPut(t, ",\"learned\":{");
  if (l->account.own > 0) AddNumbers(t, "account", 2, (double[]){l->account.own, l->account.taken});
  if (l->own_solve > 0 || l->own_setup > 0) AddNumbers(t, "own", 2, (double[]){l->own_setup, l->own_solve});
  if (l->tried) AddNumbers(t, "attempt", l->tried > 0, &l->attempt);
  if (l->attains.answers > 0) AddNumbers(t, "attains", 3, (double[]){l->attains.norm, l->attains.rows, l->attains.backward});
  TextPut(t, "\"seen\":{");
  for (int i = 0; i < l->n; i++) {
    const Observation *o = &l->seen[i];
    TextAdd(t, "%s\"%s\":[", i ? "," : "", PosteriorName(p, o->offset));
    TextDecimal(t, o->apart);
    TextPut(t, ",");
    TextDecimal(t, o->spread);
    for (int g = 0; g < PRIOR_PARTS; g++) TextAdd(t, "%s%d", g ? "," : ",[", o->part[g]);
    TextPut(t, "]]");
  }
  TextPut(t, "}");
  if (l->found) AddFinding(t, l);
  TextPut(t, "}");
}
