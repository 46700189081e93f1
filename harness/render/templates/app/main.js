// Views are built when somebody opens them.

const explore = document.getElementById("explore");
const tabs = [...explore.querySelectorAll("[role=tab]")];
const built = {};

async function view(name) {
  if (!(name in built)) {
    const panel = document.getElementById(`view-${name}`);
    panel.setAttribute("aria-busy", "true");
    const data = await unpacked();
    built[name] ??= { times: buildTimes, matrix: buildMatrix, charts: buildCharts }[name](data, panel);
    panel.removeAttribute("aria-busy");
  }
  return built[name];
}

const viewIs = (name) => tabs.some((tab) => tab.dataset.view === name);

async function show(next, before) {
  if (viewIs(next.view)) {
    for (const tab of tabs) {
      const chosen = tab.dataset.view === next.view;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(`view-${tab.dataset.view}`).hidden = !chosen;
    }
    (await view(next.view))?.update(state);
    if (before && !before.view) explore.scrollIntoView();
  }
  if (!next.c) closeDialog();
  else {
    const data = await unpacked();
    if (next.c === state.c) openCell(data, next.c, next.d, built.matrix?.around);
  }
}

/** A browser that cannot unfold the data says so: everything else is there without them. */
function failed(error) {
  console.error(error);
  explore.append(h("p.alarm", { role: "alert" }, "This browser could not show this: ",
    String(error)));
}

listeners.push((next, before) => {
  const looks = Object.keys(DEFAULTS).some((name) => name !== "c" && name !== "d"
    && next[name] !== before[name]);
  if (looks || next.c !== before.c || next.d !== before.d) show(next, before).catch(failed);
});

explore.hidden = false;
for (const tab of tabs) {
  tab.addEventListener("click", () => go({ view: tab.dataset.view }));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}

// Links that state what to look at are plain anchors, so that they can be sent around.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='#']");
  if (!link || !link.hash.includes("=") || event.defaultPrevented || event.metaKey
    || event.ctrlKey) return;
  event.preventDefault();
  const wanted = stated(Object.fromEntries(new URLSearchParams(link.hash.slice(1))));
  const { show: shown, base } = state;
  go(wanted.view ? { ...DEFAULTS, show: shown, base, ...wanted } : wanted);
  if (wanted.view) explore.scrollIntoView();
});

const theme = document.getElementById("theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
});

const given = readState();
if (given) {
  state = given;
  if (!viewIs(given.view) && !given.c) {
    state.view = viewIs("matrix") ? "matrix" : tabs[0].dataset.view;
  }
  show(state).then(() => state.view && explore.scrollIntoView()).catch(failed);
}
