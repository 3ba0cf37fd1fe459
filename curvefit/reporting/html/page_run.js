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
function foldedDoubts(unsure) { // those that want the same curve or attribute in one line
  const lines = [], wanted = new Map();
  for (const f of unsure) {
    const name = findings.names[f[0]], why = f[3] || "";
    if (why.startsWith("Cannot tell without ")) wanted.set(why, [...(wanted.get(why) || []), name]);
    else lines.push([name, why]);
  }
  for (const [why, names] of wanted) lines.push(["", why.replace(/\.$/, "") + ": " + names.join(", ")]);
  return lines;
}
function open(i) {
  close();
  current = i;
  const d = detail(i), name = cell(byKey.id, i) || "(no name)";
  const parts = [];
  if (!single) {
    const at = order.indexOf(i);
    parts.push(el("nav", {class: "crumbs", "aria-label": "Runs"}, el("a", {href: "#runs"}, "\u2190 All runs"),
      el("span", {class: "push muted"}, at >= 0 ? `${(at + 1).toLocaleString("en")} of ${order.length.toLocaleString("en")}` : ""),
      el("button", {type: "button", class: "small", disabled: at <= 0, onclick: () => neighbor(-1)}, "\u2190 Previous"),
      el("button", {type: "button", class: "small", disabled: at < 0 || at >= order.length - 1, onclick: () => neighbor(1)}, "Next \u2192")));
  }
  const title = el("h2", {tabindex: "-1"}, name);
  parts.push(el("div", {class: "head"}, title, el("span", {class: "metric"}, S(d.w))));
  if (d.a) parts.push(el("p", {class: "about"}, d.a));
  const facts = columns.filter(c => c.group === "attribute" && printed(c, i) !== "");
  if (facts.length) parts.push(el("ul", {class: "attributes"}, facts.map(c => el("li", {}, single || !c.c
    ? el("span", {}, el("b", {}, c.l + " "), printed(c, i))
    : el("button", {type: "button", title: "Show all runs with the same", onclick: () => onlyThese(() => state.picks.set(c, cell(c, i)))}, el("b", {}, c.l + " "), printed(c, i))))));
  const left = [], right = [];
  if (S(d.st) && S(d.st) !== "ok") parts.push(el("div", {class: "panel verdict " + (S(d.st) === "degraded" ? "warning" : "error")}, el("p", {class: "say"}, S(d.st).charAt(0).toUpperCase() + S(d.st).slice(1)), d.why ? el("p", {}, d.why) : null));
  if (d.r) parts.push(el("div", {class: "panel verdict " + d.r[0].replace(/[^a-z_]/g, "")}, el("p", {class: "say"}, d.r[1]), el("ul", {}, d.r[2].map(t => el("li", {}, t)))));
  const host = el("div", {class: "panel chart"});
  if (d.x.length || !d.why) left.push(host);
  const present = (d.d || []).filter(f => f[1] === 0), unsure = (d.d || []).filter(f => f[1] === 1), absent = (d.d || []).filter(f => f[1] === 2);
  if (d.d) {
    const rank = {error: 0, warning: 1, info: 2};
    present.sort((a, b) => rank[findings.severity[a[0]]] - rank[findings.severity[b[0]]]);
    left.push(el("div", {class: "panel"}, el("h3", {}, "Diagnoses"), present.length ? present.map(findingBlock) : el("p", {class: "note"}, "Nothing stands out."),
      unsure.length ? el("details", {class: "more"}, el("summary", {}, plural(unsure.length, "question") + " undecided"), foldedDoubts(unsure).map(([named, why]) => el("p", {}, named ? el("b", {}, named) : null, named && why ? ": " : null, why))) : null,
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
  document.title = single ? index.title : `${name} \u2013 ${index.title}`;
  chart = fan(host, d, name);
  if (!single) { scrollTo(0, 0); title.focus({preventScroll: true}); }
}
function close() {
  if (chart) chart.destroy();
  chart = null;
  section.hidden = true;
  section.replaceChildren();
}
