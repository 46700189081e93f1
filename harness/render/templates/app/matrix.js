// Every question and what each driver said of it: filtered in memory, and of its rows only
// those that can be seen are in the document.

const NARROW = matchMedia("(max-width: 48rem)");
const ROW_PX = NARROW.matches ? 104 : 52;  // as front.css has it
const SPARE_ROWS = 8;

function buildMatrix(data, place) {
  const checked = data.cells.filter((cell) => cell.answers.some(Boolean))
    .sort((a, b) => a.scenario < b.scenario ? -1 : a.scenario > b.scenario ? 1
      : a.number - b.number);
  if (!checked.length) return null;
  const profiles = [...new Set(data.columns.map((column) => column.profile))];
  const drivers = [...new Set(data.columns.map((column) => column.driver))]
    .sort((a, b) => a - b);
  const chips = h("div.chips", { role: "group", "aria-label": "Verdicts" });
  const count = h("output.count", { "aria-live": "polite" });
  const search = h("input", { type: "search", placeholder: "id, title, SQL, what was said",
    "aria-label": "Search", input: () => go({ q: search.value }, { typed: true }) });
  const families = new Set(checked.map((cell) => cell.family));
  const family = choice("Family", [["", "all families"],
    ...[...families].sort().map((name) => [name, name])], (value) => go({ family: value }));
  const driver = choice("Driver", [["", "all drivers"],
    ...drivers.map((number) => [data.drivers[number], data.drivers[number]])],
  (value) => go({ driver: value }));
  const profile = choice("Profile", [["", "the better of both profiles"],
    ...profiles.map((name) => [name, name === "default" ? "as installed" : name])],
  (value) => go({ profile: value }));
  const disagree = h("input", { type: "checkbox",
    change: () => go({ disagree: disagree.checked ? "1" : "" }) });
  const body = h("div.rows", { role: "rowgroup" });
  const spacer = h("div.spacer", { role: "presentation" }, body);
  const head = h("div.row.head", { role: "row" },
    h("div", { role: "columnheader" }, "question"),
    drivers.map((number) => h("div", { role: "columnheader" }, driverName(data, number))));
  const scroller = h("div.matrix", { tabindex: 0, role: "table", "aria-label":
    "Every question and what each driver said", scroll: () => draw(),
  keydown: (event) => walk(event) }, head, spacer);
  scroller.style.setProperty("--drivers", drivers.length);
  place.append(
    h("div.filters", search, family, driver, profile.querySelectorAll("option").length > 2
      && profile, h("label", disagree, " only where drivers disagree"),
    h("button.quiet", { type: "button", click: () => go({ q: "", family: "", driver: "",
      verdict: "", profile: "", disagree: "" }) }, "Clear"),
    copyMenu(() => table(shown))),
    chips, count, scroller);

  let shown = checked, focused = 0, first = -1;

  /** One answer of a driver: the profile's, or the better of both. */
  const columnsOf = new Map(drivers.map((number) => [number,
    data.columns.filter((column) => column.driver === number)]));
  const badness = (name) => (NOT_ASKED.has(name) ? 100 : 0) - WORST.indexOf(name);
  function answerOf(cell, number, wanted) {
    let best = null;
    for (const column of columnsOf.get(number)) {
      const answer = cell.answers[column.number];
      if (!answer) continue;
      if (wanted && column.profile === wanted) return answer;
      if (!best || badness(answer.verdict) < badness(best.verdict)) best = answer;
    }
    return best;
  }

  function matches(cell, wanted, needle) {
    if (wanted.family && cell.family !== wanted.family) return false;
    if (!needle || cell.text.includes(needle)) return true;
    return cell.answers.some((answer) => answer && (answer.lower ??= [answer.detail,
      answer.observed, answer.expected, answer.deviation, answer.code].join("\n")
      .toLowerCase()).includes(needle));
  }

  /** What is asked for and there: an address may be of another view, or another report. */
  function known(next) {
    const verdict = next.verdict === "trouble" || WORST.includes(next.verdict);
    return { ...next, family: families.has(next.family) ? next.family : "",
      verdict: verdict ? next.verdict : "" };
  }

  function update(next) {
    const wanted = known(next);
    const needle = wanted.q.trim().toLowerCase();
    const only = data.drivers.indexOf(wanted.driver);
    const asked = only >= 0 && drivers.includes(only) ? [only] : drivers;
    const counts = new Map();
    shown = [];
    for (const cell of checked) {
      if (!matches(cell, wanted, needle)) continue;
      const names = asked.map((number) => answerOf(cell, number, wanted.profile)?.verdict);
      if (wanted.disagree && new Set(drivers.map((number) =>
        answerOf(cell, number, wanted.profile)?.verdict)).size < 2) continue;
      for (const name of new Set(names)) {
        if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      if (wanted.verdict === "trouble" ? names.some((name) => name && name !== "exact")
        : !wanted.verdict || names.includes(wanted.verdict)) shown.push(cell);
    }
    search.value = wanted.q;
    pick(family, wanted.family);
    pick(driver, wanted.driver);
    pick(profile, wanted.profile);
    disagree.checked = Boolean(wanted.disagree);
    count.textContent = `${shown.length.toLocaleString("en-US")} of `
      + `${checked.length.toLocaleString("en-US")} questions`;
    chips.replaceChildren(...WORST.filter((name) => counts.has(name)).map((name) =>
      h(`button.chipped.v-${name}`, { type: "button", "aria-pressed":
        String(wanted.verdict === name), click: () => go({ verdict:
          wanted.verdict === name ? "" : name }) },
      h("span.s", { "aria-hidden": "true" }, SYMBOLS[name]),
      ` ${name} `, h("b", counts.get(name).toLocaleString("en-US")))));
    spacer.style.height = `${shown.length * ROW_PX}px`;
    focused = Math.min(focused, Math.max(0, shown.length - 1));
    first = -1;
    draw();
  }

  function draw() {
    const from = Math.max(0, Math.floor(scroller.scrollTop / ROW_PX) - SPARE_ROWS);
    if (from === first) return;
    first = from;
    const many = Math.ceil((scroller.clientHeight || 600) / ROW_PX) + 2 * SPARE_ROWS;
    body.style.transform = `translateY(${from * ROW_PX}px)`;
    body.replaceChildren(...shown.slice(from, from + many).map((cell, at) =>
      rowOf(cell, from + at)));
  }

  function rowOf(cell, number) {
    return h("div.row", { role: "row", "aria-rowindex": number + 2,
      class: number === focused ? "row focused" : "row",
      click: () => { focused = number; go({ c: cell.id, d: "" }); } },
    h("div.what", { role: "rowheader" }, h("b", cell.title), h("code", cell.local),
      h("small", cell.sql.replace(/\s+/g, " ") || cell.scenario)),
    drivers.map((driver) => {
      const answer = answerOf(cell, driver, state.profile);
      if (!answer) return h("div.v", { role: "cell" }, "–");
      return h(`div.v.v-${answer.verdict}`, { role: "cell", "data-d": data.drivers[driver] },
        h("span.s", { "aria-hidden": "true" }, SYMBOLS[answer.verdict]),
        h("span", answer.verdict), answer.drift && h("em", " drift"));
    }));
  }

  function walk(event) {
    const page = Math.floor(scroller.clientHeight / ROW_PX) - 1;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
      Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Enter" && shown[focused]) {
      event.preventDefault();  // or the dialog's first button would have it, too
      go({ c: shown[focused].id, d: "" });
    }
    if (step === undefined) return;
    event.preventDefault();
    focused = Math.max(0, Math.min(shown.length - 1, focused + step));
    const top = focused * ROW_PX, room = scroller.clientHeight - head.offsetHeight - ROW_PX;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    first = -1;
    draw();
  }

  function table(cells) {
    const names = drivers.map((number) => data.drivers[number]);
    return [["question", ...names], ...cells.map((cell) => [cell.id, ...drivers.map(
      (number) => answerOf(cell, number, state.profile)?.verdict ?? "")])];
  }

  return { update, around: (id, step) => {
    const at = shown.findIndex((cell) => cell.id === id);
    return at < 0 ? null : shown[at + step]?.id ?? null;
  } };
}

function choice(label, options, chosen) {
  return h("select", { "aria-label": label, change: (event) => chosen(event.target.value) },
    options.map(([value, text]) => h("option", { value }, text)));
}

function pick(select, value) {
  select.value = value;
  if (select.selectedIndex < 0) select.selectedIndex = 0;
}

/** The selection as Markdown or CSV, for other places. */
function copyMenu(rows) {
  const button = (label, format) => {
    const node = h("button.quiet", { type: "button", click: () => copy(format(rows()), node) },
      label);
    return node;
  };
  const escaped = (text) => text.replace(/([\\|`*_<>[\]])/g, "\\$1").replace(/\s+/g, " ");
  const field = (text) => /[",\n]/.test(text) ? `"${text.replaceAll("\"", "\"\"")}"` : text;
  return [
    button("Copy as Markdown", ([head, ...body]) => [head, head.map(() => "---"), ...body]
      .map((row) => `| ${row.map((text) => escaped(visible(String(text)))).join(" | ")} |`)
      .join("\n")),
    button("Copy as CSV", (all) => all.map((row) =>
      row.map((text) => field(visible(String(text)))).join(",")).join("\n")),
  ];
}
