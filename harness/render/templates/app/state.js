// What somebody looks at stands in the address, so that a link shows the same.
//
// `#key=value&…` is a state; anything else after `#` is a place on the page. `c` and `d`
// are the cell and the driver of the open dialog, `view` is `times`, `matrix` or `charts`.

const DEFAULTS = {
  view: "", q: "", family: "", driver: "", verdict: "", profile: "", cause: "",
  disagree: "", sort: "",
  show: "time", base: "", c: "", d: "",
};
let state = { ...DEFAULTS };
const listeners = [];

function readState() {
  const text = location.hash.slice(1);
  if (!text.includes("=")) return null;
  const given = Object.fromEntries(new URLSearchParams(text));
  return { ...DEFAULTS, ...stated(given) };
}

/** Of what an address says, what is part of a state. */
function stated(given) {
  const known = Object.entries(given).filter(([name]) => Object.hasOwn(DEFAULTS, name));
  return Object.fromEntries(known);
}

function address(changes) {
  const next = { ...state, ...changes };
  const told = Object.entries(next).filter(([name, value]) => value !== DEFAULTS[name]);
  return `#${new URLSearchParams(told)}`;
}

/** Change the state: what is typed replaces the address, what is clicked adds to it. */
function go(changes, { typed = false } = {}) {
  const before = state;
  state = { ...state, ...changes };
  const url = address({});
  try {
    if (typed) history.replaceState(null, "", url === "#" ? location.pathname : url);
    else history.pushState(null, "", url);
  } catch { /* Too often for this browser: the address follows with the next change. */ }
  for (const listen of listeners) listen(state, before);
}

addEventListener("popstate", () => {
  const before = state;
  state = readState() ?? { ...state, c: "", d: "" };  // a place on the page opens nothing
  for (const listen of listeners) listen(state, before);
});
