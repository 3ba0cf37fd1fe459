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
  else if (e.key === "/") {
    if (current !== null) { location.hash = "runs"; route(); }
    input.focus();
    e.preventDefault();
  }
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
  if (on && !single && current === null) root.dataset.paper = "wide"; else delete root.dataset.paper;
  if (on) root.dataset.theme = "light"; /* what is drawn must not wait for the styles of paper */
  else if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const node of document.querySelectorAll("details.more")) { if (on) { node.dataset.was = String(node.open); node.open = true; } else node.open = node.dataset.was === "true"; }
  if (!single && current === null) {
    rows(true);
    document.getElementById("cut").textContent = on && order.length > PRINTED ? `These are the first ${PRINTED.toLocaleString("en")} of ${plural(order.length, "run")}.` : "";
  }
  if (chart) chart.draw(on ? 680 : undefined);
}
addEventListener("beforeprint", () => paper(true));
addEventListener("afterprint", () => paper(false));
matchMedia("print").addEventListener("change", e => paper(e.matches));
addEventListener("hashchange", route);
themed();
if (single) open(0);
else if (count) { build(); route(); }
