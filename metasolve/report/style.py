"""How the page of a report looks: light or dark, on a wide screen or a narrow one."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --card: #f7f7f5; --ink: #1d1f21; --soft: #63686d;
  --rule: #dcdcd8; --own: #c9ccd1; --taken: #2a6fb0; --won: #2a6fb0; --lost: #c8452c;
  --gain: #22764a;
  --c0: #2a6fb0; --c1: #e08a2e; --c2: #4b9b6e; --c3: #8f6bb5; --c4: #c75d7a; --c5: #3aa6a6;
  --rest: #c9ccd1; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --card: #1f2226; --ink: #e7e8ea;
  --soft: #9ba1a8; --rule: #363a40; --own: #4a5058; --taken: #67a9e3; --won: #67a9e3;
  --lost: #f0795f;
  --gain: #6fc795; --c0: #67a9e3; --c1: #eba252; --c2: #74bd92; --c3: #b394d6; --c4: #e28aa2;
  --c5: #63c5c5; --rest: #4a5058; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 74rem; background: var(--paper);
  color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.25rem; margin: 0; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .7rem; }
h3 { font-size: .95rem; margin: 0 0 .4rem; font-weight: 600; }
p { margin: .3rem 0 .6rem; }
.soft, .name { color: var(--soft); }
.grid { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr));
  align-items: start; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: .8rem .9rem;
  min-width: 0; }
.figures { display: grid; gap: 1rem; margin-top: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 13rem), 1fr)); }
.figures b { display: block; font-size: 1.7rem; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.figures .gain b { color: var(--gain); }
.figures .loss b { color: var(--lost); }
.alert { border-left: 4px solid var(--lost); }
.fine { border-left: 4px solid var(--gain); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .28rem .5rem .28rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }
th { color: var(--soft); font-weight: 500; }
td.n, th.n { text-align: right; white-space: nowrap; padding-left: .5rem; padding-right: 0; }
td small { display: block; color: var(--soft); font-size: .85rem; overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
code { font: .88em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  overflow-wrap: anywhere; }
ul.legend { list-style: none; margin: .3rem 0 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1rem;
  font-size: .85rem; color: var(--soft); }
ul.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .4em; }
svg { display: block; width: 100%; height: auto; max-width: 34rem; font-size: 11.5px; }
svg text { fill: var(--ink); }
svg text.name { fill: var(--soft); font-size: 11px; }
svg text.gain { fill: var(--gain); font-size: 11px; }
svg text.loss { fill: var(--lost); font-weight: 600; }
svg text.inside { fill: var(--card); font-size: 10px; font-weight: 600; pointer-events: none; }
svg polyline { fill: none; stroke: var(--soft); }
svg .grid { stroke: var(--rule); }
svg .equal { stroke: var(--soft); }
svg .faster { stroke: var(--soft); stroke-dasharray: 3 4; }
svg .since { stroke: var(--lost); stroke-dasharray: 4 3; }
svg .level { stroke: var(--ink); stroke-width: 1.6; }
svg polyline.lost { stroke: var(--lost); stroke-width: 2; }
svg polyline.won { stroke: var(--own); stroke-width: 2; }
.own { fill: var(--own); background: var(--own); }
.taken { fill: var(--taken); background: var(--taken); }
.won { fill: var(--won); }
.lost { fill: var(--lost); }
.before { fill: var(--own); }
.after { fill: var(--lost); }
.c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); }
.c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
.c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
.rest { fill: var(--rest); background: var(--rest); }
@media (max-width: 40rem) { .less { display: none; } svg { font-size: 13.5px; }
  svg text.name, svg text.gain { font-size: 13px; } .figures b { font-size: 1.4rem; }
  .figures { grid-template-columns: 1fr 1fr; } }
"""
