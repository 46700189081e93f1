// Every question and what each driver said of it: filtered in memory, and of its rows only
// those that can be seen are in the document.

const NARROW = matchMedia("(max-width: 48rem)");
let rowPx = 52;  // as front.css has it; on a narrow screen three drivers stand in a line
const SPARE_ROWS = 8;
const SILENT = new Set(["unsupported", "skipped", "invalid"]);  // no answer
const ALL = { q: "", family: "", driver: "", verdict: "", profile: "", cause: "",
  disagree: "", sort: "" };
const WORSE = Symbol("the worse of both profiles");

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
  const search = h("input", { type: "search", placeholder: "words, or sql:… driver:… code:…",
    title: "All words must be there: in id, title, SQL, or what one driver said. "
      + `Fields: ${FIELDS.map((field) => `${field}:`).join(" ")}, and "several words".`,
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
  const sort = choice("Sort", [["", "by question"], ["wrong", "most drivers wrong first"],
    ["worst", "worst verdict first"]], (value) => go({ sort: value }));
  const disagree = h("input", { type: "checkbox",
    change: () => go({ disagree: disagree.checked ? "1" : "" }) });
  const cause = h("p.cause-chosen");
  const body = h("div.rows", { role: "rowgroup" });
  const spacer = h("div.spacer", { role: "presentation" }, body);
  const head = h("div.row.head", { role: "row" },
    h("div", { role: "columnheader" }, "question"),
    drivers.map((number) => h("div", { role: "columnheader" }, driverName(data, number))));
  const scroller = h("div.matrix", { tabindex: 0, role: "table", "aria-label":
    "Every question and what each driver said", scroll: () => draw(),
  keydown: (event) => walk(event) }, head, spacer);
  scroller.style.setProperty("--drivers", drivers.length);
  if (NARROW.matches) rowPx = 56 + 20 * Math.ceil(drivers.length / 3);
  scroller.style.setProperty("--row", `${rowPx}px`);
  place.append(
    h("div.filters", search, family, driver, profile.querySelectorAll("option").length > 2
      && profile, sort, h("label", { title: "Two drivers answer, and their verdicts differ; "
      + "what is unsupported or skipped is no answer" }, disagree,
    " only where answers differ"),
    h("button.quiet", { type: "button", click: () => go(ALL) }, "Clear"),
    copyMenu(() => table(shown))),
    chips, cause, count, scroller);

  let shown = checked, focused = 0, first = -1, found = searching(data, "");
  let profiled = "";  // whose answers are shown: a profile's, the better or the worse of both

  /** One answer of each driver: the profile's, or the better of both; chosen once. */
  const columnsOf = drivers.map((number) =>
    data.columns.filter((column) => column.driver === number));
  const badness = (name) => (NOT_ASKED.has(name) ? 100 : 0) - WORST.indexOf(name);
  const chosen = new Map();
  function answersOf(cell, wanted) {
    if (!chosen.has(wanted)) chosen.set(wanted, []);
    return chosen.get(wanted)[cell.number] ??= columnsOf.map((columns) =>
      answerIn(cell, columns, wanted));
  }

  function answerIn(cell, columns, wanted) {
    let best = null;
    for (const column of columns) {
      const answer = cell.answers[column.number];
      if (!answer) continue;
      if (wanted && column.profile === wanted) return answer;
      const better = badness(answer.verdict) - badness(best?.verdict);
      if (!best || (wanted === WORSE ? better > 0 : better < 0)) best = answer;
    }
    return best;
  }

  const verdictsOf = (cell, wanted) => answersOf(cell, wanted)
    .map((answer) => answer?.verdict);

  function disputed(verdicts) {
    return new Set(verdicts.filter((name) => name && !SILENT.has(name))).size > 1;
  }

  /** What comes first: by how many drivers are wrong, or by the worst that one says. */
  const weights = {
    wrong: (verdicts) => verdicts.filter((name) => name && name !== "exact"
      && !SILENT.has(name)).length,
    worst: (verdicts) => Math.max(...verdicts.map((name) => !name || SILENT.has(name) ? 0
      : WORST.length - WORST.indexOf(name))),
  };

  /** The worst of a driver that was chosen; how many are wrong is of all of them. */
  function sorted(cells, wanted, only) {
    const weight = weights[wanted.sort];
    if (!weight) return cells;
    const weighed = (verdicts) => only >= 0 && wanted.sort === "worst" ? [verdicts[only]] : verdicts;
    return cells.map((cell) => [weight(weighed(verdictsOf(cell, profiled))), cell])
      .sort(([a], [b]) => b - a).map(([, cell]) => cell);
  }

  /** What is asked for and there: an address may be of another view, or another report. */
  function known(next) {
    const verdict = next.verdict === "trouble" || WORST.includes(next.verdict);
    return { ...next, family: families.has(next.family) ? next.family : "",
      verdict: verdict ? next.verdict : "",
      sort: Object.hasOwn(weights, next.sort) ? next.sort : "" };
  }

  function update(next) {
    const wanted = known(next);
    found = searching(data, wanted.q);
    const of = data.causes.get(wanted.cause);
    profiled = wanted.profile || (of ? WORSE : "");
    const only = drivers.indexOf(data.drivers.indexOf(wanted.driver));
    const counts = new Map();
    const kept = [];
    for (const cell of checked) {
      if (wanted.family && cell.family !== wanted.family) continue;
      if (of && !of.cells.has(cell.number)) continue;
      if (found.asked && !found.of(cell)) continue;
      const verdicts = verdictsOf(cell, profiled);
      if (wanted.disagree && !disputed(verdicts)) continue;
      const names = only >= 0 ? [verdicts[only]] : verdicts;
      for (const name of new Set(names)) {
        if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      if (wanted.verdict === "trouble" ? names.some((name) => name && name !== "exact")
        : !wanted.verdict || names.includes(wanted.verdict)) kept.push(cell);
    }
    shown = sorted(kept, wanted, only);
    cause.replaceChildren(...of ? [h("b", of.who), ` ${of.reason} `, h("button.quiet",
      { type: "button", click: () => go({ cause: "" }) }, "all causes")] : []);
    cause.hidden = !of;
    search.value = wanted.q;
    pick(family, wanted.family);
    pick(driver, wanted.driver);
    pick(profile, wanted.profile);
    pick(sort, wanted.sort);
    disagree.checked = Boolean(wanted.disagree);
    count.textContent = `${shown.length.toLocaleString("en-US")} of `
      + `${checked.length.toLocaleString("en-US")} questions`;
    chips.replaceChildren(...WORST.filter((name) => counts.has(name)).map((name) =>
      h(`button.chipped.v-${name}`, { type: "button", "aria-pressed":
        String(wanted.verdict === name), click: () => go({ verdict:
          wanted.verdict === name ? "" : name }) },
      h("span.s", { "aria-hidden": "true" }, SYMBOLS[name]),
      ` ${name} `, h("b", counts.get(name).toLocaleString("en-US")))));
    spacer.style.height = `${shown.length * rowPx}px`;
    const room = `${head.offsetHeight + shown.length * rowPx + 4}px`;
    scroller.style.height = `min(80vh, 60rem, max(7rem, ${room}))`;
    focused = Math.min(focused, Math.max(0, shown.length - 1));
    first = -1;
    draw();
  }

  function draw() {
    const from = Math.max(0, Math.floor(scroller.scrollTop / rowPx) - SPARE_ROWS);
    if (from === first) return;
    first = from;
    const many = Math.ceil((scroller.clientHeight || 600) / rowPx) + 2 * SPARE_ROWS;
    body.style.transform = `translateY(${from * rowPx}px)`;
    body.replaceChildren(...shown.slice(from, from + many).map((cell, at) =>
      rowOf(cell, from + at)));
  }

  function rowOf(cell, number) {
    return h("div.row", { role: "row", "aria-rowindex": number + 2,
      class: number === focused ? "row focused" : "row",
      click: () => { focused = number; go({ c: cell.id, d: "" }); } },
    h("div.what", { role: "rowheader" }, titled(cell, found.words("title")),
      h("small", why(cell))),
    answersOf(cell, profiled).map((answer, at) => {
      if (!answer) return h("div.v", { role: "cell" }, "–");
      return h(`div.v.v-${answer.verdict}`, { role: "cell",
        "data-d": data.drivers[drivers[at]] },
      h("span.s", { "aria-hidden": "true" }, SYMBOLS[answer.verdict]),
      h("span", answer.verdict), answer.drift && h("em", " drift"));
    }));
  }

  /** A title; where many share it, what tells it from them is not cut off. */
  function titled(cell, words) {
    const { title, shared } = cell;
    const tail = title.startsWith(shared) ? title.slice(shared.length) : "";
    return h("b", { title }, h("span.head-of", marked(tail ? shared : title, words)),
      tail && h("span.tail-of", marked(tail, words)));
  }

  /** The SQL of a question; where something was searched for, what of it was found. */
  function why(cell) {
    const hit = found.asked ? found.of(cell) : {};
    if (hit?.answer) {
      const words = found.words("detail", "code");
      const { detail, observed, expected, deviation, code } = hit.answer;
      const texts = [detail, observed && `got ${observed}`, expected && `due ${expected}`,
        deviation, code].filter(Boolean);
      const text = texts.find((each) => words.some((word) =>
        each.toLowerCase().includes(word))) ?? texts[0] ?? hit.answer.verdict;
      return [h("b", data.drivers[hit.driver], ": "), marked(around(text, words), words)];
    }
    const sql = cell.sql.replace(/\s+/g, " ");
    const words = found.words("sql"), ids = found.words("id");
    const has = (text) => (word) => text.toLowerCase().includes(word);
    if (!sql || (!words.some(has(sql)) && !ids.some(has(cell.title)) && ids.some(has(cell.id)))) {
      return marked(cell.id, ids);
    }
    return marked(around(sql, words), words);
  }

  function walk(event) {
    const page = Math.floor(scroller.clientHeight / rowPx) - 1;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page,
      Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Enter" && shown[focused]) {
      event.preventDefault();  // or the dialog's first button would have it, too
      go({ c: shown[focused].id, d: "" });
    }
    if (step === undefined) return;
    event.preventDefault();
    focused = Math.max(0, Math.min(shown.length - 1, focused + step));
    const top = focused * rowPx, room = scroller.clientHeight - head.offsetHeight - rowPx;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    first = -1;
    draw();
  }

  function table(cells) {
    const names = drivers.map((number) => data.drivers[number]);
    return [["question", ...names], ...cells.map((cell) => [cell.id,
      ...verdictsOf(cell, profiled).map((verdict) => verdict ?? "")])];
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
