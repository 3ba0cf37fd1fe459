/* ---------- the fan chart ---------- */
function fan(host, d, name) {
  if (!d.x.length) { host.append(el("p", {class: "note"}, "There are no finite points to draw.")); return null; }
  const tables = [[d.x, d.y]], names = ["observed"];
  if (d.fx.length) { tables.push([d.fx, d.fm, ...d.fb.flatMap(b => [b[1], b[2]])]); }
  if (d.lx.length) tables.push([d.lx, d.ly]);
  if (d.mx.length) tables.push([d.mx, d.my]);
  const data = uPlot.join(tables.map(t => [t[0], ...t.slice(1)]));
  const full = [data[0][0], data[0][data[0].length - 1]];
  const range = limits(d);
  const positive = [data[0][0] > 0, d.y.every(v => v > 0)];
  let log = [Boolean(d.sc && d.sc[0]) && positive[0], Boolean(d.sc && d.sc[1]) && positive[1]], whole = false, plot = null, zoom = null;
  const box = el("div", {class: "plot", tabindex: "0", role: "group", "aria-roledescription": "interactive chart", "aria-label": `${S(d.w)} of ${name} against ${S(d.u)}, with forecast. Arrow keys read values, plus and minus zoom.`});
  const HINT = "Drag to zoom, double-click to zoom out; with the chart focused: \u2190 \u2192 read values, + \u2212 zoom, 0 resets.";
  const read = el("p", {class: "read muted"}, HINT), spoken = el("span", {class: "skip", role: "status"});
  const toggle = (text, on, change, enabled) => {
    const b = el("button", {type: "button", class: "small", "aria-pressed": String(on()), disabled: !enabled, onclick() { change(); b.setAttribute("aria-pressed", String(on())); draw(); }}, text);
    return b;
  };
  const legend = el("ul", {class: "legend"});
  host.append(el("div", {class: "top"}, legend,
    toggle("log x", () => log[0], () => { log[0] = !log[0]; zoom = null; }, positive[0]), toggle("log y", () => log[1], () => { log[1] = !log[1]; }, positive[1]),
    toggle("all values", () => whole, () => { whole = !whole; }, true), el("button", {type: "button", class: "small", onclick: () => { zoom = null; whole = false; draw(); }}, "Reset")),
    box, read, spoken);

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
    ctx.textAlign = "left";
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
  const real = data[0].map((_, n) => n).filter(n => [1, d.fx.length ? 2 : 1].some(c => data[c][n] !== null && data[c][n] !== undefined));
  function stop(n) { /* position in real of the stop nearest to a column of the data */
    let best = 0;
    const x = log[0] ? Math.log : v => v;
    for (let k = 1; k < real.length; k++) if (Math.abs(x(data[0][real[k]]) - x(data[0][n])) < Math.abs(x(data[0][real[best]]) - x(data[0][n]))) best = k;
    return best;
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
    if (u.cursor.idx === null || u.cursor.idx === undefined) { read.textContent = HINT; read.classList.add("muted"); return; }
    const n = real[stop(u.cursor.idx)];
    read.classList.remove("muted");
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
    const none = plot.cursor.idx === null || plot.cursor.idx === undefined, big = e.shiftKey ? 10 : 1;
    const at = none ? real.lastIndexOf(data[0].lastIndexOf(d.x[d.x.length - 1])) : stop(plot.cursor.idx), n = real[at];
    const to = {ArrowLeft: at - big, ArrowRight: at + big, Home: 0, End: real.length - 1}[e.key];
    if (to !== undefined) { cursor(real[Math.max(0, Math.min(real.length - 1, to))]); say(plot, true); e.preventDefault(); e.stopPropagation(); return; }
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
