const index = JSON.parse(document.getElementById("index").textContent);
const lines = document.getElementById("lines").textContent.split("\n").filter(l => l.length);
const count = lines.length, single = count === 1;
const columns = index.columns, findings = index.findings, strings = index.strings;
const byKey = Object.fromEntries(columns.map(c => [c.k, c]));
const SIGNS = {error: "\u2715", warning: "!", info: "i"};
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
  if (Number.isInteger(v) && a < 1e8) return a >= 1e6 && Number(v.toPrecision(4)) === v ? tick(v) : String(v);
  if (Number.isInteger(v) && a < 1e15 && Number(v.toPrecision(4)) === v) return tick(v);
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
const limits = d => (d.yl && d.yl.every(v => v !== null) ? d.yl : [Math.min(...d.y), Math.max(...d.y)]);
const S = j => (j === undefined || j === null ? "" : strings[j]);
const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/* ---------- light, dark, help ---------- */
const redraws = new Set();
let theme = "auto";
function themed() {
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  themeButton.textContent = {auto: "\u25d0 Auto", light: "\u2600 Light", dark: "\u263e Dark"}[theme];
  themeButton.setAttribute("aria-label", "Colors: " + theme);
  redraws.forEach(f => f());
}
const themeButton = el("button", {class: "small", type: "button", onclick() {
  theme = {auto: "light", light: "dark", dark: "auto"}[theme];
  themed();
}});
const KEYS = [
  ["/", "filter the runs"], ["\u2191 \u2193 PgUp PgDn Home End", "move in the table"], ["Enter", "open the run"],
  ["j k", "next and previous run, as sorted and filtered"], ["Esc", "back to the table"],
  ["\u2190 \u2192", "read the chart point by point (chart focused)"], ["+ \u2212 0", "zoom in, out, and back (chart focused)"],
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
