(function () {
"use strict";
const index = JSON.parse(document.getElementById("index").textContent);
const lines = document.getElementById("lines").textContent.split("\n").filter(l => l.length);
const count = lines.length, single = count === 1;
const columns = index.columns, findings = index.findings, strings = index.strings;
const byKey = Object.fromEntries(columns.map(c => [c.k, c]));
const SIGNS = {error: "✕", warning: "!", info: "i"};
const ACTIONS = {"stop now": "stop", "train on": "continue", "a person should look": "intervene", "cannot tell yet": "collect_more"};
const root = document.documentElement, runs = document.getElementById("runs"), section = document.getElementById("run"), all = document.getElementById("all");

/* ---------- small things ---------- */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (v === null || v === undefined || v === false) continue;
    if (k.startsWith("on")) node.addEventListener(k.slice(2), v);
    else if (k === "class") node.className = v;
    else node.setAttribute(k, v === true ? "" : v);
  }
  node.append(...children.flat().filter(c => c !== null && c !== undefined));
  return node;
}
function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes)) node.setAttribute(k, v);
  return node;
}
const color = name => getComputedStyle(root).getPropertyValue("--c-" + name).trim();
function short(v) {
  if (v === null || v === undefined || !isFinite(v)) return "";
  const a = Math.abs(v);
  if (Number.isInteger(v) && a < 1e8) return String(v);
  if (a !== 0 && (a < 1e-4 || a >= 1e7)) return v.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(v.toPrecision(4)));
}
function tick(v) {
  const a = Math.abs(v);
  for (const [size, letter] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e4, "k"]])
    if (a >= size) return Number((v / (letter === "k" ? 1e3 : size)).toPrecision(6)) + letter;
  return a !== 0 && a < 1e-4 ? v.toExponential().replace("e+", "e") : String(Number(v.toPrecision(8)));
}
const plural = (n, thing) => n.toLocaleString("en") + " " + thing + (n === 1 ? "" : "s");
const cell = (c, i) => (c.c ? c.c[c.v[i]] : c.v[i]);
const printed = (c, i) => (c.s ? c.s[i] || "" : c.t === "number" ? short(c.v[i]) : cell(c, i));
const undelta = a => { if (Array.isArray(a)) return a; let t = 0; return a.d.map(d => (t += d)); };
const parsed = new Map();
function detail(i) {
  let d = parsed.get(i);
  if (!d) {
    d = JSON.parse(lines[i]);
    for (const k of ["x", "y", "fx", "fm", "lx", "ly", "mx", "my"]) d[k] = d[k] ? undelta(d[k]) : [];
    d.fb = (d.fb || []).map(b => [b[0], undelta(b[1]), undelta(b[2])]).sort((a, b) => b[0] - a[0]);
    if (parsed.size > 400) parsed.delete(parsed.keys().next().value);
    parsed.set(i, d);
  }
  return d;
}
const S = j => (j === undefined || j === null ? "" : strings[j]);
const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/* ---------- light, dark, help ---------- */
const redraws = new Set();
let theme = "auto";
function themed() {
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  themeButton.textContent = {auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark"}[theme];
  themeButton.setAttribute("aria-label", "Colors: " + theme);
  redraws.forEach(f => f());
}
const themeButton = el("button", {class: "small", type: "button", onclick() {
  theme = {auto: "light", light: "dark", dark: "auto"}[theme];
  themed();
}});
const KEYS = [
  ["/", "filter the runs"], ["↑ ↓ PgUp PgDn Home End", "move in the table"], ["Enter", "open the run"],
  ["j k", "next and previous run, as sorted and filtered"], ["Esc", "back to the table"],
  ["← →", "read the chart point by point (chart focused)"], ["+ − 0", "zoom in, out, and back (chart focused)"],
  ["?", "this list"],
].slice(single ? 5 : 0);
const help = el("dialog", {"aria-label": "Keys"}, el("h3", {}, "Keys"),
  el("dl", {}, KEYS.map(([k, what]) => [el("dt", {}, k.split(" ").map(one => [el("kbd", {}, one), " "])), el("dd", {}, what)]).flat()),
  el("p", {class: "note"}, single ? "" : "Filter: words, or a column with a number or text: seed=3 points>100 \"last value\"<0.5 method!=adam"),
  el("form", {method: "dialog"}, el("button", {}, "Close")));
document.body.append(help);
document.getElementById("tools").append(themeButton, el("button", {class: "small", type: "button", "aria-label": "Keys", onclick: () => help.showModal()}, "Keys ?"));
for (const node of document.querySelectorAll("dialog form")) node.addEventListener("submit", e => { e.preventDefault(); help.close(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach(f => f()));

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
  let [lo, hi] = (d.yl || [Math.min(...d.y), Math.max(...d.y)]).map(ty);
  if (!(hi > lo)) { lo -= 0.5; hi += 0.5; }
  const px = v => (x1 > x0 ? 1 + (tx(v) - x0) / (x1 - x0) * (w - 2) : w / 2).toFixed(1);
  const py = v => Math.min(h + 4, Math.max(-4, h - 1.5 - (ty(v) - lo) / (hi - lo) * (h - 3))).toFixed(1);
  const path = (xs, ys) => "M" + xs.map((x, k) => px(x) + " " + py(ys[k])).join("L");
  if (d.fx.length && d.fb.length) {
    const [, low, high] = d.fb[0], back = d.fx.map((_, k) => d.fx.length - 1 - k);
    if (low.every(v => v !== null) && high.every(v => v !== null))
      node.append(svg("path", {class: "band", d: path(d.fx, high) + "L" + back.map(k => px(d.fx[k]) + " " + py(low[k])).join("L") + "Z"}));
    node.append(svg("path", {class: "fan", d: path([d.x[d.x.length - 1], ...d.fx], [d.fm[0], ...d.fm])}));
  }
  node.append(svg("path", {d: d.x.length > 1 ? path(d.x, d.y) : `M${px(d.x[0])} ${py(d.y[0])}h.1`}));
  return node;
}

/* ---------- the table ---------- */
const HEIGHT = 44;
let grid, body, head, groups, foundLine, input, active = 0, printing = false;
const shown = () => columns.filter(c => c.show);
function widthOf(c) {
  if (c.k === "id") return 250;
  if (c.k === "action") return 190;
  if (c.s) return 190;
  return Math.min(190, Math.max(88, c.l.length * 7.6 + 34));
}
function build() {
  const boxes = [tally("Recommendations", byKey.action), findingsTally()].filter(Boolean);
  if (boxes.length) runs.append(el("div", {class: "counts"}, boxes));
  input = el("input", {type: "search", placeholder: "Filter: words, seed=3, points>100", "aria-label": "Filter the runs", autocomplete: "off", spellcheck: "false", oninput: () => { state.text = input.value; refresh(); }});
  const bar = el("div", {class: "filters", role: "search"}, input);
  for (const c of columns.filter(c => c.c && c.k !== "action" && c.c.length > 1 && c.c.length <= 60).slice(0, 6)) {
    const select = el("select", {onchange() { if (select.value === "") state.picks.delete(c); else state.picks.set(c, c.c[Number(select.value)]); refresh(); }},
      el("option", {value: ""}, "any"), [...c.c.keys()].sort((a, b) => collator.compare(c.c[a], c.c[b])).map(n => el("option", {value: String(n)}, c.c[n] || "(none)")));
    c.select = select;
    bar.append(el("label", {}, c.l, select));
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
  runs.append(bar, foundLine, grid);
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
    }}, name, on ? el("span", {class: "arrow", "aria-hidden": "true"}, state.down ? " ▼" : " ▲") : null);
    return el("th", {scope: "col", class: numeric ? "num" : null, "aria-sort": on ? (state.down ? "descending" : "ascending") : "none"}, button);
  };
  const curve = el("th", {scope: "col"}, el("button", {type: "button", disabled: true}, "curve"));
  for (const c of list) {
    head.append(sorter(c, c.l, c.t === "number"));
    width.push(widthOf(c));
    if (c.k === "id") { head.append(curve); width.push(156); }
  }
  if (findings.names.length) { head.append(sorter("findings", "findings", false)); width.push(330); }
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
      cells.push(el("th", {scope: "row"}, el("a", {href: "#run-" + (i + 1), tabindex: at === active ? "0" : "-1", title: cell(c, i)}, cell(c, i) || "(no name)")), el("td", {}, thumbnail(i)));
      continue;
    }
    const text = printed(c, i), value = c.s ? text.match(/^(\S+)( .*)?$/) : null;
    if (value) cells.push(el("td", {class: "num", title: text}, value[1], value[2] ? el("span", {class: "interval"}, value[2]) : ""));
    else cells.push(el("td", {class: [c.t === "number" ? "num" : "", c.k === "action" ? ACTIONS[text] || "" : "", c.k === "status" && text !== "ok" ? (text === "degraded" ? "warning" : "error") : ""].join(" ").trim() || null, title: text}, text));
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
  const most = printing ? 2000 : Math.ceil((grid.clientHeight || 700) / HEIGHT) + 12;
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
  foundLine.textContent = order.length === count ? "" : `${order.length.toLocaleString("en")} of ${plural(count, "run")}` + (what.length ? " — " + what.join(", ") : "");
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

/* ---------- one run ---------- */
let current = null, chart = null;
function neighbor(step) {
  const at = order.indexOf(current), to = order[at + step];
  if (at >= 0 && to !== undefined) location.hash = "run-" + (to + 1);
}
function onlyThese(change) {
  state.picks.clear();
  state.finding = null;
  state.text = input.value = "";
  change();
  refresh();
  location.hash = "runs";
}
function rowsTable(caption, list) {
  if (!list || !list.length) return null;
  return el("div", {class: "wide"}, el("table", {class: "rows"}, el("caption", {}, caption), el("tbody", {}, list.map(([name, value, interval, unit, remark]) =>
    el("tr", {}, el("th", {scope: "row"}, S(name)), el("td", {}, value, value && interval ? " " : "", el("span", {class: value ? "muted" : null}, interval), unit && S(unit) ? " " + S(unit) : "",
      remark ? el("div", {class: "remark"}, remark) : null))))));
}
function findingBlock([f, , at, said, advice, , doubted]) {
  const tone = findings.severity[f], name = findings.names[f];
  return el("div", {class: "finding"}, el("h4", {}, single || !input ? tag(f) : el("button", {class: "tag " + tone, type: "button", title: "Show all runs with this finding", onclick: () => onlyThese(() => { state.finding = f; })},
    el("span", {"aria-hidden": "true"}, SIGNS[tone]), name), doubted ? el("span", {class: "at"}, "suspected") : null, at ? el("span", {class: "at"}, at) : null,
    el("span", {class: "at"}, tone)),
    said ? el("p", {}, said) : null, S(advice) ? el("p", {class: "do"}, S(advice)) : null);
}
function open(i) {
  close();
  current = i;
  const d = detail(i), name = cell(byKey.id, i) || "(no name)";
  const parts = [];
  if (!single) {
    const at = order.indexOf(i);
    parts.push(el("nav", {class: "crumbs", "aria-label": "Runs"}, el("a", {href: "#runs"}, "← All runs"),
      el("span", {class: "push muted"}, at >= 0 ? `${(at + 1).toLocaleString("en")} of ${order.length.toLocaleString("en")}` : ""),
      el("button", {type: "button", class: "small", disabled: at <= 0, onclick: () => neighbor(-1)}, "← Previous"),
      el("button", {type: "button", class: "small", disabled: at < 0 || at >= order.length - 1, onclick: () => neighbor(1)}, "Next →")));
  }
  const title = el("h2", {tabindex: "-1"}, name);
  parts.push(el("div", {class: "head"}, title, el("span", {class: "metric"}, S(d.w))));
  if (d.a) parts.push(el("p", {class: "about"}, d.a));
  const facts = columns.filter(c => c.group === "attribute" && printed(c, i) !== "");
  if (facts.length) parts.push(el("ul", {class: "attributes"}, facts.map(c => el("li", {}, single || !c.c
    ? el("span", {}, el("b", {}, c.l + " "), printed(c, i))
    : el("button", {type: "button", title: "Show all runs with the same", onclick: () => onlyThese(() => state.picks.set(c, cell(c, i)))}, el("b", {}, c.l + " "), printed(c, i))))));
  const left = [], right = [];
  if (S(d.st) && S(d.st) !== "ok") parts.push(el("div", {class: "panel verdict " + (S(d.st) === "degraded" ? "warning" : "error")}, el("p", {class: "say"}, S(d.st)), d.why ? el("p", {}, d.why) : null));
  if (d.r) parts.push(el("div", {class: "panel verdict " + d.r[0].replace(/[^a-z_]/g, "")}, el("p", {class: "say"}, d.r[1]), el("ul", {}, d.r[2].map(t => el("li", {}, t)))));
  const host = el("div", {class: "panel chart"});
  left.push(host);
  const present = (d.d || []).filter(f => f[1] === 0), unsure = (d.d || []).filter(f => f[1] === 1), absent = (d.d || []).filter(f => f[1] === 2);
  if (d.d) {
    const rank = {error: 0, warning: 1, info: 2};
    present.sort((a, b) => rank[findings.severity[a[0]]] - rank[findings.severity[b[0]]]);
    left.push(el("div", {class: "panel"}, el("h3", {}, "Diagnoses"), present.length ? present.map(findingBlock) : el("p", {class: "note"}, "Nothing stands out."),
      unsure.length ? el("details", {class: "more"}, el("summary", {}, plural(unsure.length, "question") + " undecided"), unsure.map(f => el("p", {}, el("b", {}, findings.names[f[0]]), f[3] ? ": " + f[3] : ""))) : null,
      absent.length ? el("details", {class: "more"}, el("summary", {}, plural(absent.length, "pattern") + " looked for and absent"), el("p", {}, absent.map(f => findings.names[f[0]]).join(", "))) : null));
  }
  if (d.h) right.push(el("div", {class: "panel wide"}, el("table", {class: "rows"}, el("caption", {}, `Forecast at ${S(d.u)} ${short(d.fx.length ? d.fx[d.fx.length - 1] : null)}`),
    el("thead", {}, el("tr", {}, ["", ...d.h.map(r => r[0])].map(t => el("th", {scope: "col"}, t)))),
    el("tbody", {}, ["median", "50 %", "80 %", "95 %"].map((t, n) => el("tr", {}, el("th", {scope: "row"}, t), d.h.map(r => el("td", {}, n ? r[2][n - 1] : r[1]))))))));
  else if (byKey.forecast && byKey.forecast.s[i]) right.push(el("div", {class: "panel"}, el("table", {class: "rows"}, el("caption", {}, "Forecast"), el("tbody", {}, el("tr", {},
    el("th", {scope: "row"}, `${S(d.u)} ${short(d.fx[d.fx.length - 1])}`), el("td", {}, byKey.forecast.s[i]))))));
  for (const [side, table] of [[right, rowsTable("Estimates", d.e)], [left, rowsTable("Fitted law" + (d.law !== undefined ? ": " + S(d.law).replace(/_/g, " ") : ""), d.p)]]) if (table) side.push(el("div", {class: "panel"}, table));
  for (const [side, heading, list] of [[right, "Doubts and notes", d.no], [left, "Data", d.da]]) if (list) side.push(el("div", {class: "panel"}, el("h3", {}, heading), el("ul", {class: "plain"}, list.map(t => el("li", {}, t)))));
  parts.push(el("div", {class: "columns"}, el("div", {}, left), el("div", {}, right)));
  section.replaceChildren(...parts);
  all.hidden = !single;
  section.hidden = false;
  document.title = single ? index.title : `${name} – ${index.title}`;
  chart = fan(host, d, name);
  if (!single) { scrollTo(0, 0); title.focus({preventScroll: true}); }
}
function close() {
  if (chart) chart.destroy();
  chart = null;
  section.hidden = true;
  section.replaceChildren();
}

/* ---------- the fan chart ---------- */
function fan(host, d, name) {
  if (!d.x.length) { host.append(el("p", {class: "note"}, "There are no finite points to draw.")); return null; }
  const tables = [[d.x, d.y]], names = ["observed"];
  if (d.fx.length) { tables.push([d.fx, d.fm, ...d.fb.flatMap(b => [b[1], b[2]])]); }
  if (d.lx.length) tables.push([d.lx, d.ly]);
  if (d.mx.length) tables.push([d.mx, d.my]);
  const data = uPlot.join(tables.map(t => [t[0], ...t.slice(1)]));
  const full = [data[0][0], data[0][data[0].length - 1]];
  const range = d.yl || [Math.min(...d.y), Math.max(...d.y)];
  const positive = [data[0][0] > 0, d.y.every(v => v > 0)];
  let log = [Boolean(d.sc && d.sc[0]) && positive[0], Boolean(d.sc && d.sc[1]) && positive[1]], whole = false, plot = null, zoom = null;
  const box = el("div", {class: "plot", tabindex: "0", role: "group", "aria-roledescription": "interactive chart", "aria-label": `${S(d.w)} of ${name} against ${S(d.u)}, with forecast. Arrow keys read values, plus and minus zoom.`});
  const read = el("p", {class: "read"}), spoken = el("span", {class: "skip", role: "status"});
  const toggle = (text, on, change, enabled) => {
    const b = el("button", {type: "button", class: "small", "aria-pressed": String(on()), disabled: !enabled, onclick() { change(); b.setAttribute("aria-pressed", String(on())); draw(); }}, text);
    return b;
  };
  const legend = el("ul", {class: "legend"});
  host.append(el("div", {class: "top"}, legend,
    toggle("log x", () => log[0], () => { log[0] = !log[0]; zoom = null; }, positive[0]), toggle("log y", () => log[1], () => { log[1] = !log[1]; }, positive[1]),
    toggle("all values", () => whole, () => { whole = !whole; }, true), el("button", {type: "button", class: "small", onclick: () => { zoom = null; whole = false; draw(); }}, "Reset")),
    box, read, spoken, el("p", {class: "keys"}, "Drag to zoom, double-click to zoom out. With the chart focused: ← → read values, + − zoom, 0 resets."));

  const k = d.fb.length, seriesAt = {data: 1, median: 2, band: n => [3 + 2 * n, 4 + 2 * n]};
  let next = d.fx.length ? 3 + 2 * k : 2;
  const lawAt = d.lx.length ? next++ : 0, meanAt = d.mx.length ? next++ : 0;

  function marks() {
    const out = (d.ev || []).map(([label, x]) => ({label: S(label), x, tone: S(label) === "best point" ? "best" : S(label) === "plateau onset" ? "onset" : "event"}));
    for (const f of d.d || []) if (f[1] === 0 && findings.names[f[0]] !== "spikes") for (const x of f[5] || []) out.push({label: findings.names[f[0]], x, tone: "event"});
    return out.filter(m => m.x !== null);
  }
  const places = marks(), rings = (d.d || []).filter(f => f[1] === 0 && findings.names[f[0]] === "spikes").flatMap(f => f[5] || []).filter(x => x !== null);
  function yRange(u, min, max) {
    if (zoom || whole) {
      if (min === null || max === null) return range;
      if (log[1]) return [min / 1.1, max * 1.1];
      const pad = 0.05 * (max - min) || Math.abs(max) * 0.05 || 0.5;
      return [min - pad, max + pad];
    }
    let [lo, hi] = range;
    if (log[1] && !(lo > 0)) lo = Math.min(...d.y);
    return hi > lo ? [lo, hi] : [lo - 0.5, hi + 0.5];
  }
  function options(width) {
    const axis = color("axis"), line = color("grid"), blue = color("fan");
    const few = d.n <= 80, hidden = {stroke: "transparent", points: {show: false}, spanGaps: true};
    const series = [{}, {label: "observed", stroke: few ? color("mean") : color("data"), width: few ? 0.6 : d.x.length > 1000 ? 0.7 : 1, spanGaps: true, points: {show: few, size: 5, width: 1.2, stroke: color("mean"), fill: getComputedStyle(root).getPropertyValue("--panel").trim()}}];
    const bands = [];
    if (d.fx.length) {
      series.push({label: "median", stroke: blue, width: 2, dash: [7, 4], spanGaps: true, points: {show: false}});
      d.fb.forEach((b, n) => {
        const [lo, hi] = seriesAt.band(n);
        series.push({...hidden}, {...hidden});
        bands.push({series: [hi, lo], fill: alpha(blue, 0.16 + 0.03 * n)});
      });
    }
    if (lawAt) series.push({label: "fit", stroke: color("law"), width: 1.6, spanGaps: true, points: {show: false}});
    if (meanAt) series.push({label: "local mean", stroke: color("mean"), width: 1.6, spanGaps: true, points: {show: false}});
    const font = "12px " + getComputedStyle(document.body).fontFamily;
    const x0 = log[0] ? full[0] / (full[1] / full[0]) ** 0.02 : full[0] - 0.015 * (full[1] - full[0] || 1), x1 = log[0] ? full[1] * (full[1] / full[0]) ** 0.02 : full[1] + 0.015 * (full[1] - full[0] || 1);
    return {
      width, height: Math.round(Math.max(300, Math.min(480, width * 0.52))), bands, series, legend: {show: false},
      scales: {x: {time: false, distr: log[0] ? 3 : 1, range: () => zoom || [x0, x1]}, y: {distr: log[1] ? 3 : 1, range: yRange}},
      axes: [
        {stroke: axis, font, labelFont: font, label: S(d.u), labelSize: 20, size: 34, grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1}, values: (u, v) => v.map(t => (t === null ? "" : tick(t))), space: 62},
        {stroke: axis, font, labelFont: font, label: S(d.w).slice(0, 60), labelSize: 22, size: (u, v) => (v ? 16 + 7.2 * Math.max(...v.map(t => t.length)) : 50), grid: {stroke: line, width: 1}, ticks: {stroke: line, width: 1}, values: (u, v) => v.map(t => (t === null ? "" : tick(t))), space: 38},
      ],
      cursor: {drag: {x: true, y: false, setScale: false}, y: false, points: {show: (u, s) => s === 1 || s === 2 ? dot(s === 1 ? color("mean") : blue) : null}, bind: {dblclick: () => () => { zoom = null; draw(); return null; }}},
      hooks: {
        setSelect: [u => {
          if (u.select.width < 4) return;
          zoom = [u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x")];
          setTimeout(draw);
        }],
        setCursor: [u => say(u, false)],
        drawAxes: [u => guides(u)],
        draw: [u => overlay(u)],
      },
    };
  }
  const dot = c => { const node = el("div"); node.style.background = c; node.style.width = node.style.height = "8px"; return node; };
  const alpha = (hex, a) => hex + Math.round(255 * a).toString(16).padStart(2, "0");
  function guides(u) {
    const {ctx, bbox} = u, r = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = r;
    if (d.fx.length) vertical(u, d.x[d.x.length - 1], color("axis"), []);
    const seen = new Map();
    for (const m of places) {
      if (!seen.has(m.label)) seen.set(m.label, 0);
      const n = seen.get(m.label);
      if (n < 40) vertical(u, m.x, color(m.tone), m.tone === "best" ? [2 * r, 3 * r] : [5 * r, 3 * r]);
      seen.set(m.label, n + 1);
    }
    ctx.restore();
  }
  function vertical(u, x, stroke, dash) {
    if (log[0] && !(x > 0)) return;
    const {ctx, bbox} = u, at = Math.round(u.valToPos(x, "x", true)) + 0.5;
    if (at < bbox.left || at > bbox.left + bbox.width) return;
    ctx.strokeStyle = stroke;
    ctx.setLineDash(dash);
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    ctx.setLineDash([]);
  }
  function overlay(u) {
    const {ctx, bbox} = u, r = devicePixelRatio, lo = u.scales.y.min, hi = u.scales.y.max;
    ctx.save();
    ctx.font = `${11 * r}px ${getComputedStyle(document.body).fontFamily}`;
    const used = [];
    const first = new Map();
    for (const m of places) if (!first.has(m.label)) first.set(m.label, m);
    ctx.textBaseline = "top";
    for (const m of first.values()) {
      if (log[0] && !(m.x > 0)) continue;
      const at = u.valToPos(m.x, "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      const w = ctx.measureText(m.label).width, left = at + w + 8 * r < bbox.left + bbox.width ? at + 4 * r : at - w - 4 * r;
      let level = 0;
      while (used.some(b => b.level === level && left < b.right + 4 * r && left + w > b.left - 4 * r) && level < 8) level++;
      used.push({level, left, right: left + w});
      const top = bbox.top + (4 + 14 * level) * r;
      ctx.fillStyle = getComputedStyle(root).getPropertyValue("--panel").trim();
      ctx.globalAlpha = 0.8;
      ctx.fillRect(left - 2 * r, top - 1 * r, w + 4 * r, 13 * r);
      ctx.globalAlpha = 1;
      ctx.fillStyle = color(m.tone);
      ctx.fillText(m.label, left, top);
    }
    ctx.fillStyle = color("mean");
    let lastUp = -1e9, lastDown = -1e9;
    d.x.forEach((x, n) => {
      const y = d.y[n], up = y > hi;
      if (!(up || y < lo) || (log[0] && !(x > 0))) return;
      const at = u.valToPos(x, "x", true);
      if (at < bbox.left || at > bbox.left + bbox.width || at - (up ? lastUp : lastDown) < 9 * r) return;
      if (up) lastUp = at; else lastDown = at;
      const base = up ? bbox.top + 7 * r : bbox.top + bbox.height - 7 * r, tip = up ? bbox.top + r : bbox.top + bbox.height - r;
      ctx.beginPath();
      ctx.moveTo(at - 4 * r, base);
      ctx.lineTo(at + 4 * r, base);
      ctx.lineTo(at, tip);
      ctx.fill();
    });
    ctx.strokeStyle = color("event");
    ctx.lineWidth = 1.5 * r;
    for (const x of rings) {
      let n = d.x.findIndex(v => v >= x);
      if (n < 0) n = d.x.length - 1;
      if (n > 0 && Math.abs(d.x[n - 1] - x) < Math.abs(d.x[n] - x)) n--;
      if (log[0] && !(d.x[n] > 0)) continue;
      const at = u.valToPos(d.x[n], "x", true), y = Math.min(bbox.top + bbox.height - 6 * r, Math.max(bbox.top + 6 * r, u.valToPos(d.y[n], "y", true)));
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.arc(at, y, 5 * r, 0, 7);
      ctx.stroke();
    }
    for (const x of d.bad || []) {
      if (log[0] && !(x > 0)) continue;
      const at = u.valToPos(x, "x", true), y = bbox.top + bbox.height - 14 * r;
      if (at < bbox.left || at > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(at - 3.5 * r, y - 3.5 * r); ctx.lineTo(at + 3.5 * r, y + 3.5 * r);
      ctx.moveTo(at - 3.5 * r, y + 3.5 * r); ctx.lineTo(at + 3.5 * r, y - 3.5 * r);
      ctx.stroke();
    }
    ctx.restore();
  }
  function near(column, n) {
    const v = data[column];
    if (v[n] !== null && v[n] !== undefined) return v[n];
    let a = n, b = n;
    while (a >= 0 && (v[a] === null || v[a] === undefined)) a--;
    while (b < v.length && (v[b] === null || v[b] === undefined)) b++;
    if (a < 0 || b >= v.length) return null;
    return v[a] + (v[b] - v[a]) * (data[0][n] - data[0][a]) / (data[0][b] - data[0][a]);
  }
  function say(u, aloud) {
    const n = u.cursor.idx;
    if (n === null || n === undefined) { read.textContent = ""; return; }
    const parts = [[S(d.u), short(data[0][n])]];
    const seen = data[1][n];
    if (seen !== null && seen !== undefined) parts.push(["observed", short(seen)]);
    if (meanAt && near(meanAt, n) !== null) parts.push(["local mean", short(near(meanAt, n))]);
    if (lawAt && near(lawAt, n) !== null) parts.push(["fit", short(near(lawAt, n))]);
    if (d.fx.length && data[0][n] >= d.fx[0] && near(2, n) !== null) {
      parts.push(["median", short(near(2, n))]);
      d.fb.forEach((b, m) => { const [lo, hi] = seriesAt.band(m); parts.push([`${Math.round(1000 * b[0]) / 10} %`, `[${short(near(lo, n))}, ${short(near(hi, n))}]`]); });
    }
    read.replaceChildren(...parts.flatMap(([label, value], m) => [m ? "   " : "", el("b", {}, label), " " + value]));
    if (aloud) spoken.textContent = parts.map(p => p.join(" ")).join(", ");
  }
  function swatch(draw) { const s = svg("svg", {viewBox: "0 0 22 12", "aria-hidden": "true"}); draw(s); return s; }
  function keys() {
    const items = [[d.n <= 80 ? s => s.append(svg("circle", {cx: 11, cy: 6, r: 3, fill: "none", stroke: color("mean"), "stroke-width": 1.5})) : s => s.append(svg("path", {d: "M0 6h22", stroke: color("data"), "stroke-width": 1.5})), `observed (${plural(d.n, "point")}${d.n > d.x.length ? ", thinned" : ""})`]];
    const stroke = (c, w, dash) => s => s.append(svg("path", {d: "M0 6h22", stroke: c, "stroke-width": w, ...(dash ? {"stroke-dasharray": dash} : {})}));
    if (meanAt) items.push([stroke(color("mean"), 2), "local mean"]);
    if (lawAt) items.push([stroke(color("law"), 2), "fit" + (d.law !== undefined ? " (" + S(d.law).split(" ")[0].replace(/_/g, " ") + ")" : "")]);
    if (d.fx.length) {
      items.push([stroke(color("fan"), 2, "6 3"), "forecast median"]);
      if (d.fb.length) items.push([s => d.fb.forEach((b, n) => s.append(svg("rect", {x: 0, y: n * 2, width: 22, height: 12 - 4 * n, fill: color("fan"), opacity: 0.25 + 0.1 * n}))), d.fb.map(b => Math.round(1000 * b[0]) / 10).reverse().join(", ") + " % of new observations"]);
    }
    if (rings.length) items.push([s => s.append(svg("circle", {cx: 11, cy: 6, r: 4.5, fill: "none", stroke: color("event"), "stroke-width": 1.5})), "spike"]);
    if ((d.bad || []).length) items.push([s => s.append(svg("path", {d: "M7 2l8 8M15 2l-8 8", stroke: color("event"), "stroke-width": 1.5})), "NaN or infinite"]);
    legend.replaceChildren(...items.map(([draw, text]) => el("li", {}, swatch(draw), text)));
  }
  function draw(width) {
    const at = plot ? plot.cursor.idx : null;
    if (plot) plot.destroy();
    const w = typeof width === "number" ? width : Math.max(280, box.clientWidth || 640);
    plot = new uPlot(options(w), data, box);
    keys();
    if (at !== null && at !== undefined) cursor(at);
  }
  function cursor(n) {
    n = Math.max(0, Math.min(data[0].length - 1, n));
    const y = near(data[1][n] === null || data[1][n] === undefined ? 2 : 1, n);
    plot.setCursor({left: plot.valToPos(data[0][n], "x"), top: y === null || y === undefined ? 10 : plot.valToPos(y, "y")});
  }
  box.addEventListener("keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const n = plot.cursor.idx === null || plot.cursor.idx === undefined ? d.x.length - 1 : plot.cursor.idx, big = e.shiftKey ? 10 : 1;
    const to = {ArrowLeft: n - big, ArrowRight: n + big, Home: 0, End: data[0].length - 1}[e.key];
    if (to !== undefined) { cursor(to); say(plot, true); e.preventDefault(); e.stopPropagation(); return; }
    if ("+=-_0".includes(e.key)) {
      const [a, b] = zoom || [plot.scales.x.min, plot.scales.x.max], t = log[0] ? Math.log : v => v, back = log[0] ? Math.exp : v => v;
      const c = t(data[0][Math.max(0, Math.min(data[0].length - 1, n))]), f = "+=".includes(e.key) ? 0.5 : 2;
      let next = [c - (c - t(a)) * f, c + (t(b) - c) * f].map(back);
      if (e.key === "0" || (next[0] <= full[0] && next[1] >= full[1])) next = null;
      else next = [Math.max(next[0], full[0]), Math.min(next[1], full[1])];
      zoom = next;
      draw();
      cursor(n);
      e.preventDefault();
      e.stopPropagation();
    }
  });
  draw();
  let lastWidth = box.clientWidth;
  const watch = new ResizeObserver(() => { if (!printing && Math.abs(box.clientWidth - lastWidth) > 2) { lastWidth = box.clientWidth; draw(); } });
  watch.observe(box);
  const redraw = () => draw();
  redraws.add(redraw);
  return {draw, destroy() { watch.disconnect(); redraws.delete(redraw); plot.destroy(); }};
}

/* ---------- where we are, keys, paper ---------- */
let scrolled = 0;
function route() {
  const m = /^#run-(\d+)$/.exec(location.hash), i = m ? Number(m[1]) - 1 : -1;
  if (single) return;
  if (i >= 0 && i < count) {
    if (current === null) scrolled = scrollY;
    open(i);
    return;
  }
  const from = current;
  close();
  current = null;
  all.hidden = false;
  document.title = index.title;
  rows(true);
  if (from !== null) {
    if (location.hash === "" || location.hash === "#runs") {
      scrollTo(0, scrolled);
      const at = order.indexOf(from);
      if (at >= 0) go(at, true);
    } else {
      const target = document.getElementById(location.hash.slice(1));
      if (target) target.scrollIntoView();
    }
  }
}
document.addEventListener("keydown", e => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  if (e.ctrlKey || e.metaKey || e.altKey || help.open) return;
  if (e.key === "Escape" && e.target === input) { input.value = state.text = ""; refresh(); input.blur(); return; }
  if (typing) { if (e.key === "ArrowDown" && e.target === input && order.length) { e.preventDefault(); go(0, true); } return; }
  if (e.key === "?") { help.showModal(); e.preventDefault(); }
  else if (single) return;
  else if (e.key === "Escape" && current !== null) location.hash = "runs";
  else if (e.key === "/" ) { if (current !== null) location.hash = "runs"; setTimeout(() => input.focus()); e.preventDefault(); }
  else if (e.key === "j" || e.key === "k") {
    const step = e.key === "j" ? 1 : -1;
    if (current !== null) neighbor(step);
    else go(body.contains(document.activeElement) ? active + step : active, true);
    e.preventDefault();
  }
});
function paper(on) {
  if (printing === on) return;
  printing = on;
  for (const node of document.querySelectorAll("details.more")) { if (on) { node.dataset.was = String(node.open); node.open = true; } else node.open = node.dataset.was === "true"; }
  if (!single && current === null) rows(true);
  if (chart) chart.draw(on ? 680 : undefined);
}
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
matchMedia("print").addEventListener("change", e => paper(e.matches));
addEventListener("hashchange", route);
themed();
if (single) open(0);
else if (count) { build(); route(); }
})();
