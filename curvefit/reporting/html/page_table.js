/* ---------- which runs, in which order ---------- */
const state = {text: "", picks: new Map(), finding: null, sort: null, down: false};
let order = Array.from({length: count}, (_, i) => i);
let hay = null;
function haystack() {
  if (hay) return hay;
  const texts = columns.filter(c => c.t === "text" || c.group === "attribute");
  hay = Array.from({length: count}, (_, i) =>
    (texts.map(c => printed(c, i)).join("\n") + "\n" + findings.v[i].map(f => findings.names[f]).join("\n")).toLowerCase());
  return hay;
}
const label = c => c.l.toLowerCase();
function terms(text) {
  const out = [];
  const pattern = /(?:"([^"]+)"|([^\s"=<>!]+))(!=|<=|>=|=|<|>)(?:"([^"]*)"|(\S+))|"([^"]+)"|(\S+)/g;
  for (const m of text.toLowerCase().matchAll(pattern)) {
    const word = m[6] !== undefined ? m[6] : m[7];
    if (word !== undefined) { out.push(i => haystack()[i].includes(word)); continue; }
    const name = m[1] || m[2], sign = m[3], value = m[4] !== undefined ? m[4] : m[5];
    const c = columns.find(c => label(c) === name) || columns.find(c => label(c).startsWith(name));
    if (!c) { out.push(i => haystack()[i].includes(m[0])); continue; }
    const number = Number(value), numeric = c.t === "number" && value !== "" && !Number.isNaN(number);
    out.push(i => {
      const own = numeric ? c.v[i] : printed(c, i).toLowerCase();
      if (own === null) return sign === "!=";
      const other = numeric ? number : value;
      return sign === "=" ? own === other : sign === "!=" ? own !== other : sign === "<" ? own < other : sign === ">" ? own > other : sign === "<=" ? own <= other : own >= other;
    });
  }
  return out;
}
const collator = new Intl.Collator("en", {numeric: true, sensitivity: "base"});
function choose() {
  const tests = terms(state.text);
  for (const [c, value] of state.picks) tests.push(i => cell(c, i) === value);
  if (state.finding !== null) tests.push(i => findings.v[i].includes(state.finding));
  order = [];
  for (let i = 0; i < count; i++) if (tests.every(t => t(i))) order.push(i);
  const c = state.sort;
  if (!c) return;
  const sign = state.down ? -1 : 1;
  if (c === "findings") {
    const weight = {error: 1e6, warning: 1e3, info: 1};
    const rank = findings.v.map(v => v.reduce((sum, f) => sum + (weight[findings.severity[f]] || 1), 0));
    order.sort((a, b) => sign * (rank[a] - rank[b]) || a - b);
  } else if (c.t === "number") {
    order.sort((a, b) => {
      const u = c.v[a], v = c.v[b];
      if (u === null || v === null) return (u === null) - (v === null) || a - b; /* missing last, either way */
      return sign * (u - v) || a - b;
    });
  } else {
    const values = c.c || [...new Set(c.v)], place = new Map([...values].sort(collator.compare).map((t, n) => [t, n]));
    order.sort((a, b) => {
      const u = cell(c, a), v = cell(c, b);
      if (!u || !v) return !u - !v || a - b;
      return sign * (place.get(u) - place.get(v)) || a - b;
    });
  }
}

/* ---------- thumbnails ---------- */
function thumbnail(i) {
  const d = detail(i), w = 132, h = 34, log = d.sc || [0, 0];
  const node = svg("svg", {viewBox: `0 0 ${w} ${h}`, class: "thumb", "aria-hidden": "true"});
  if (!d.x.length) return node;
  const tx = log[0] ? Math.log : v => v, ty = log[1] ? v => Math.log(Math.max(v, 1e-300)) : v => v;
  const last = d.fx.length ? d.fx[d.fx.length - 1] : d.x[d.x.length - 1];
  const x0 = tx(d.x[0]), x1 = tx(Math.max(last, d.x[d.x.length - 1]));
  let [lo, hi] = limits(d).map(ty);
  if (!(hi > lo)) { lo -= 0.5; hi += 0.5; }
  const px = v => (x1 > x0 ? 1 + (tx(v) - x0) / (x1 - x0) * (w - 2) : w / 2).toFixed(1);
  const py = v => Math.min(h + 4, Math.max(-4, h - 1.5 - (ty(v) - lo) / (hi - lo) * (h - 3))).toFixed(1);
  const path = (xs, ys) => "M" + xs.map((x, k) => px(x) + " " + py(ys[k])).join("L");
  if (d.fx.length && d.fb.length && d.fm.every(v => v !== null)) {
    const [, low, high] = d.fb[0], back = d.fx.map((_, k) => d.fx.length - 1 - k);
    if (low.every(v => v !== null) && high.every(v => v !== null))
      node.append(svg("path", {class: "band", d: path(d.fx, high) + "L" + back.map(k => px(d.fx[k]) + " " + py(low[k])).join("L") + "Z"}));
    node.append(svg("path", {class: "fan", d: path([d.x[d.x.length - 1], ...d.fx], [d.fm[0], ...d.fm])}));
  }
  node.append(svg("path", {d: d.x.length > 1 ? path(d.x, d.y) : `M${px(d.x[0])} ${py(d.y[0])}h.1`}));
  return node;
}

/* ---------- the table ---------- */
const HEIGHT = 44, PRINTED = 2000; /* height of a row in pixels; most rows on paper */
/* Long names keep their ends, where runs differ; what all names begin with is left out. */
const shared = (() => {
  const c = byKey.id;
  if (!c || count < 2) return 0;
  let common = cell(c, 0);
  for (let i = 1; i < count && common; i++) { const name = cell(c, i); while (!name.startsWith(common)) common = common.slice(0, -1); }
  const cut = common.search(/[^/:._\s-]*$/);
  return cut >= 12 ? cut : 0;
})();
function brief(name) {
  const rest = shared ? "\u2026" + name.slice(shared) : name;
  return rest.length > 34 ? rest.slice(0, 11) + "\u2026" + rest.slice(-22) : rest;
}
let grid, body, head, groups, foundLine, input, active = 0, printing = false;
const shown = () => columns.filter(c => c.show);
function widthOf(c) {
  if (c.width) return c.width;
  let longest = 0;
  for (let i = 0; i < count; i += Math.ceil(count / 300)) longest = Math.max(longest, (c.k === "id" ? brief(cell(c, i)) : printed(c, i)).length);
  const least = c.l.length * 8 + 36;
  c.width = Math.round(c.k === "id" ? Math.min(300, Math.max(150, longest * 7.6 + 26)) : Math.min(c.group === "attribute" ? Math.max(140, Math.min(least, 180)) : 230, Math.max(least, longest * (c.s ? 6.9 : 7.6) + 26)));
  return c.width;
}
function build() {
  const boxes = [tally("Recommendations", byKey.action), findingsTally()].filter(Boolean);
  if (boxes.length) runs.append(el("div", {class: "counts"}, boxes));
  input = el("input", {type: "search", placeholder: "Filter: words, seed=3, points>100", "aria-label": "Filter the runs", autocomplete: "off", spellcheck: "false", oninput: () => { state.text = input.value; refresh(); }});
  const bar = el("div", {class: "filters", role: "search"}, input);
  for (const c of columns.filter(c => c.c && c.k !== "action" && c.show && c.c.length > 1 && c.c.length <= 60)) {
    const select = el("select", {"aria-label": c.l, onchange() { if (select.value === "") state.picks.delete(c); else state.picks.set(c, c.c[Number(select.value)]); refresh(); }},
      el("option", {value: ""}, "any"), [...c.c.keys()].sort((a, b) => collator.compare(c.c[a], c.c[b])).map(n => el("option", {value: String(n)}, c.c[n] || "(none)")));
    c.select = select;
    bar.append(el("label", {}, el("span", {"aria-hidden": "true"}, c.l), select));
  }
  const choices = el("div", {}, columns.filter(c => c.k !== "id").map(c => el("label", {}, el("input", {type: "checkbox", checked: c.show, onchange(e) { c.show = e.target.checked; heads(); rows(true); }}), c.l)));
  const menu = el("details", {class: "menu"}, el("summary", {}, "Columns"), choices);
  document.addEventListener("click", e => { if (!menu.contains(e.target)) menu.open = false; });
  bar.append(menu, el("button", {type: "button", onclick: reset}, "Clear"));
  foundLine = el("p", {class: "found", role: "status"});
  groups = el("colgroup");
  head = el("tr");
  body = el("tbody");
  grid = el("div", {class: "grid", role: "region", "aria-label": "Table of runs"}, el("table", {"aria-rowcount": String(count + 1)}, groups, el("thead", {}, head), body));
  grid.addEventListener("scroll", () => requestAnimationFrame(() => rows(false)), {passive: true});
  grid.addEventListener("keydown", move);
  body.addEventListener("click", e => {
    const row = e.target.closest("tr[data-i]");
    if (row && !e.target.closest("a, button") && !String(getSelection())) location.hash = "run-" + (Number(row.dataset.i) + 1);
  });
  runs.append(bar, foundLine, grid, el("p", {class: "note", id: "cut"}));
  new ResizeObserver(() => rows(false)).observe(grid);
  heads();
  refresh();
}
function bars(title, entries) {
  const most = Math.max(...entries.map(e => e.n), 1);
  return el("div", {class: "panel"}, el("h3", {}, title), el("ul", {}, entries.map(e => {
    const fill = el("span", {class: "fill"});
    fill.style.width = Math.max(1, 100 * e.n / most) + "%";
    const b = el("button", {type: "button", "aria-pressed": "false", class: e.tone, title: "Show these runs only", onclick: e.toggle},
      el("span", {class: "name"}, e.sign ? e.sign + " " + e.name : e.name), el("span", {class: "track", "aria-hidden": "true"}, fill), el("span", {class: "n"}, e.n.toLocaleString("en")));
    pressed.push(() => b.setAttribute("aria-pressed", String(e.on())));
    return el("li", {}, b);
  })));
}
const pressed = [];
function tally(title, c) {
  if (!c) return null;
  const names = c.c || [...new Set(c.v)], n = new Map(names.map(name => [name, 0]));
  for (let i = 0; i < count; i++) n.set(cell(c, i), n.get(cell(c, i)) + 1);
  return bars(title, names.filter(Boolean).sort((a, b) => n.get(b) - n.get(a)).map(name => ({name, n: n.get(name), tone: ACTIONS[name] || "", on: () => state.picks.get(c) === name,
    toggle() { if (state.picks.get(c) === name) state.picks.delete(c); else state.picks.set(c, name); refresh(); }})));
}
function findingsTally() {
  const n = findings.names.map(() => 0);
  for (const v of findings.v) for (const f of v) n[f]++;
  const rank = {error: 0, warning: 1, info: 2};
  const list = findings.names.map((name, f) => f).filter(f => n[f]).sort((a, b) => rank[findings.severity[a]] - rank[findings.severity[b]] || n[b] - n[a]);
  if (!list.length) return null;
  return bars("Findings", list.map(f => ({name: findings.names[f], sign: SIGNS[findings.severity[f]], n: n[f], tone: findings.severity[f], on: () => state.finding === f,
    toggle() { state.finding = state.finding === f ? null : f; refresh(); }})));
}
function reset() {
  state.text = input.value = "";
  state.picks.clear();
  state.finding = null;
  refresh();
  input.focus();
}
function heads() {
  const list = shown();
  const width = [];
  head.replaceChildren();
  const sorter = (c, name, numeric) => {
    const on = state.sort === c, button = el("button", {type: "button", "data-k": c.k || c, title: "Sort by " + name, onclick: () => {
      if (state.sort === c) { if (state.down === (numeric || c === "findings")) state.down = !state.down; else { state.sort = null; } }
      else { state.sort = c; state.down = numeric || c === "findings"; }
      heads();
      refresh();
      head.querySelector(`button[data-k="${CSS.escape(c.k || c)}"]`).focus();
    }}, name, on ? el("span", {class: "arrow", "aria-hidden": "true"}, state.down ? " \u25bc" : " \u25b2") : null);
    return el("th", {scope: "col", class: numeric ? "num" : null, "aria-sort": on ? (state.down ? "descending" : "ascending") : "none"}, button);
  };
  for (const c of list) {
    head.append(sorter(c, c.l, c.t === "number"));
    width.push(widthOf(c));
    if (c.k === "id") { head.append(el("th", {scope: "col", class: "still"}, "curve")); width.push(154); }
  }
  if (findings.names.length) { head.append(sorter("findings", "findings", false)); width.push(270); }
  groups.replaceChildren(...width.map(w => { const g = el("col"); g.style.width = w + "px"; return g; }));
  grid.firstChild.style.minWidth = width.reduce((a, b) => a + b, 0) + "px";
}
function tag(f) {
  const tone = findings.severity[f];
  return el("span", {class: "tag " + tone}, el("span", {"aria-hidden": "true"}, SIGNS[tone]), findings.names[f]);
}
function row(i, at) {
  const cells = [];
  for (const c of shown()) {
    if (c.k === "id") {
      cells.push(el("th", {scope: "row"}, el("a", {href: "#run-" + (i + 1), tabindex: at === active ? "0" : "-1", title: cell(c, i)}, brief(cell(c, i)) || "(no name)")), el("td", {}, thumbnail(i)));
      continue;
    }
    const text = printed(c, i), value = c.s ? text.match(/^(\S+)( .*)?$/) : null;
    if (value) cells.push(el("td", {class: "num", title: text}, value[1], value[2] ? el("span", {class: "interval"}, value[2]) : ""));
    else cells.push(el("td", {class: [c.t === "number" ? "num" : "", c.k === "action" ? ACTIONS[text] || "" : "", c.k === "status" ? {ok: "muted", degraded: "warning"}[text] || "error" : ""].join(" ").trim() || null, title: c.k === "status" && detail(i).why || text}, text));
  }
  if (findings.names.length) cells.push(el("td", {title: findings.v[i].map(f => findings.names[f]).join(", ")}, findings.v[i].map(tag)));
  return el("tr", {"data-i": String(i), "aria-rowindex": String(at + 2)}, cells);
}
let window0 = -1, window1 = -1;
function gap(height) {
  const td = el("td", {class: "space", colspan: String(shown().length + 2)});
  td.style.height = height + "px";
  return el("tr", {class: "gap", "aria-hidden": "true"}, td);
}
function rows(force) {
  const most = printing ? PRINTED : Math.ceil((grid.clientHeight || 700) / HEIGHT) + 12;
  const first = printing ? 0 : Math.max(0, Math.min(Math.floor(grid.scrollTop / HEIGHT) - 6, order.length - most));
  const end = Math.min(order.length, first + most);
  if (!force && first === window0 && end === window1) return;
  const focused = body.contains(document.activeElement);
  [window0, window1] = [first, end];
  const list = order.slice(first, end).map((i, k) => row(i, first + k));
  body.replaceChildren(gap(first * HEIGHT), ...list, gap(printing ? 0 : (order.length - end) * HEIGHT));
  if (focused && active >= first && active < end) body.querySelector(`tr[data-i="${order[active]}"] a`).focus({preventScroll: true});
}
function refresh() {
  choose();
  active = 0;
  pressed.forEach(f => f());
  for (const c of columns) if (c.select) c.select.value = state.picks.has(c) ? String(c.c.indexOf(state.picks.get(c))) : "";
  const what = [...state.picks].map(([c, v]) => `${c.l}: ${v || "(none)"}`).concat(state.finding === null ? [] : [findings.names[state.finding]]);
  foundLine.textContent = order.length === count ? "" : `${order.length.toLocaleString("en")} of ${plural(count, "run")}` + (what.length ? " \u2014 " + what.join(", ") : "");
  grid.scrollTop = 0;
  rows(true);
}
function go(to, focus) {
  active = Math.max(0, Math.min(order.length - 1, to));
  const top = active * HEIGHT, bottom = top + HEIGHT, headHeight = head.offsetHeight || 34;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (bottom > grid.scrollTop + grid.clientHeight - headHeight) grid.scrollTop = bottom - grid.clientHeight + headHeight;
  rows(true);
  const link = body.querySelector(`tr[data-i="${order[active]}"] a`);
  if (link && focus) link.focus({preventScroll: true});
}
function move(e) {
  if (!body.contains(e.target)) return;
  const link = e.target.closest("tr[data-i]"), at = link ? order.indexOf(Number(link.dataset.i)) : active;
  const page = Math.max(1, Math.floor(grid.clientHeight / HEIGHT) - 2);
  const to = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: order.length - 1}[e.key];
  if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
  e.preventDefault();
  go(to, true);
}
