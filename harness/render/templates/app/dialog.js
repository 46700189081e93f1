// One question, all drivers side by side: what each said, how long it took, and how to see
// it happen. It has an address of its own.

const dialog = h("dialog.cell", { "aria-labelledby": "cell-title",
  click: (event) => { if (event.target === dialog) leave(); },
  cancel: (event) => { event.preventDefault(); leave(); },
  close: () => { if (state.c) leave(); } });
document.body.append(dialog);

const leave = () => go({ c: "", d: "" });

function closeDialog() {
  if (dialog.open) dialog.close();
}

function openCell(data, id, driver, around) {
  const cell = data.byId.get(id);
  if (!cell) {
    dialog.replaceChildren(h("h2", { id: "cell-title" }, "No such question"),
      h("p", "This report has no question ", h("code", id), "."), closing());
  } else {
    dialog.replaceChildren(...content(data, cell, data.drivers.indexOf(driver), around));
  }
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  dialog.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
}

const closing = () => h("button.close", { type: "button", click: leave,
  "aria-label": "Close" }, "×");

function content(data, cell, chosen, around) {
  const step = (label, by) => {
    const next = around?.(cell.id, by);
    return next && h("button.quiet", { type: "button", click: () => go({ c: next }) }, label);
  };
  const link = h("button.quiet", { type: "button", click: () => copy(location.href, link) },
    "Copy link");
  return [
    h("div.bar", step("← previous", -1), step("next →", 1), link, closing()),
    h("p.overline", cell.id),
    h("h2", { id: "cell-title" }, cell.title),
    cell.sql && h("pre", cell.sql),
    answersIn(data, cell, chosen),
    cell.timed.length > 0 && h("h3", "Times"),
    cell.timed.flatMap((timed) => [
      ...question(data, timed, asked(data)), latencies(data, timed),
      ...timed.groups.filter((group) => group.note).map((group) => h("p.note", group.note)),
      timed.harness && h("p.note", timed.harness), timed.mix && mixed(timed.mix)]),
    cell.why && h("details", { open: cell.answers.some((answer) =>
      answer && answer.verdict !== "exact") }, h("summary", "Why it is asked"), h("p", cell.why)),
    h("p.note", cell.timed.length ? "Time it again:" : "Check it again:"),
    copyable(`pgdyno ${cell.timed.length ? "bench" : "check"} ${quoted(cell.path)}`),
  ].flat(Infinity).filter(Boolean);
}

/** What each driver said, the worst first, and in a line those who are right. */
function answersIn(data, cell, chosen) {
  const all = data.drivers.flatMap((_, driver) => said(data, cell, driver)
    .map((found) => ({ driver, ...found })));
  const right = all.filter(({ answer }) => answer.verdict === "exact"
    && !answer.observed && !answer.drift);
  const others = all.filter((found) => !right.includes(found)).sort((a, b) =>
    (b.driver === chosen) - (a.driver === chosen)
    || WORST.indexOf(a.answer.verdict) - WORST.indexOf(b.answer.verdict));
  return [others.length > 0 && h("div.sides", others.map((found) => side(data, cell, found, chosen))),
    right.length > 0 && h("p.right-ones", verdictMark("exact"), right.map(
      ({ driver, profile }) => h("span", driverName(data, driver), profile && h("small",
        ` ${profileName(profile)}`))))];
}

const profileName = (profile) => profile === "default" ? "as installed" : profile;

function side(data, cell, { driver, profile, answer }, chosen) {
  return h("section.side", { class: `side v-${answer.verdict}${driver === chosen ? " chosen" : ""}` },
    h("h3", driverName(data, driver), profile && h("small", profileName(profile)),
      verdictMark(answer.verdict)),
    answer.detail && h("p", answer.detail),
    (answer.observed || answer.expected) && h("dl",
      h("dt", "came"), h("dd", h("code", answer.observed || "–")),
      answer.expected && [h("dt", "due"), h("dd", h("code", answer.expected))]),
    answer.drift && h("p.drift", "Drift: ", answer.drift),
    answer.deviation && h("p.declared", "Declared: ", answer.deviation, " ",
      /^https?:\/\//.test(answer.link) && h("a", { href: answer.link, rel: "noreferrer" },
        "link")),
    answer.verdict !== "exact" && copyable(["pgdyno show", quoted(cell.path), "--driver",
      quoted(data.drivers[driver]), ...profile && profile !== "default"
        ? ["--profile", quoted(profile)] : [], "--run"].join(" ")));
}

function latencies(data, timed) {
  const rows = timed.groups.flatMap((group) => group.rows.filter((row) =>
    row.latencies?.length));
  if (!rows.length) return null;
  const heads = ["p50", "p90", "p99", "p99.9"];
  return [ecdf(data, timed), h("table.plain", h("caption", timed.open
    ? "Response time, from when an op was due" : "Service time of single ops"),
  h("thead", h("tr", h("th", { scope: "col" }, "driver"), heads.map((head) =>
    h("th.num", { scope: "col" }, head)))),
  h("tbody", rows.map((row) => h("tr", h("th", { scope: "row" },
    driverName(data, row.driver)), heads.map((_, number) => h("td.num",
    row.latencies[number] ? duration(row.latencies[number]) : "–"))))))];
}

/** The tasks of a mix, and how often each has its turn. */
function mixed(mix) {
  const heads = ["weight", `turns of ${mix.turns}`, "statements", "round trips"];
  return [h("table.plain", h("thead", h("tr", h("th", { scope: "col" }, "task"),
    heads.map((head) => h("th.num", { scope: "col" }, head)))),
  h("tbody", mix.tasks.map(([title, ...counts]) => h("tr", h("th", { scope: "row" }, title),
    counts.map((count) => h("td.num", count)))))), h("p.note", mix.sentence)];
}

/** A word of a shell command. */
function quoted(text) {
  return /^[\w/.@=,+:-][\w/.#@=,+:-]*$/.test(text) ? text
    : `'${visible(text).replaceAll("'", "'\\''")}'`;
}
