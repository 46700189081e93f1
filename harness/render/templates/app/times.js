// Every timed question: a row for each driver, as a time, a rate, or a multiple of any
// driver's. Ratios are those that were paired by round, never quotients of medians.

const SHOWN = { time: "time per op", rate: "rate", ratio: "× baseline" };

/** The ratio of one driver to another with its interval; null without common rounds. */
function ratioOf(group, driver, base) {
  if (driver === base) return [1, 1, 1];
  for (const [one, other, point, low, high] of group.pairs) {
    if (one === driver && other === base) return [point, low, high];
    if (one === base && other === driver) {
      return [1 / point, high && 1 / high, low && 1 / low];
    }
  }
  return null;
}

/** What is shown of a row: point, low, high, and the single rounds. */
function shownOf(timed, group, row, wanted) {
  if (!row.time) return null;
  if (wanted.show === "time") return { shown: row.time, rounds: row.rounds ?? [] };
  if (wanted.show === "rate") {
    const per = (ns) => ns && timed.units * 1e9 / ns;
    const [point, low, high] = row.time;
    return { shown: [row.rate ? row.rate * timed.units : per(point), per(high), per(low)],
      rounds: (row.rounds ?? []).map(per) };
  }
  const ratio = ratioOf(group, row.driver, baseOf(group, wanted));
  return ratio && { shown: ratio, rounds: [] };
}

/** The baseline that was asked for, or the fastest where that has no time. */
function baseOf(group, wanted) {
  const timed = group.rows.some((row) => row.driver === wanted.base && row.time);
  return timed ? wanted.base : group.first;
}

function multiple(group, row, wanted) {
  const ratio = ratioOf(group, row.driver, baseOf(group, wanted));
  if (!ratio) return h("td.num", "–");
  return h("td.num", times(ratio[0]), ratio[1] && ratio[1] !== 1
    && h("small", intervalText(ratio, "ratio")));
}

const valueText = { ratio: times, time: duration, rate };

function intervalText([, low, high], show) {
  if (!low || !high) return "no interval";
  if (show === "time") return `${duration(low)} – ${duration(high)}`;
  return show === "rate" ? `${rate(low)} – ${rate(high)}`
    : `${low.toFixed(2)} – ${high.toFixed(2)}`;
}

function question(data, timed, wanted) {
  return timed.groups.map((group) => {
    const rows = group.rows.map((row) => [row, shownOf(timed, group, row, wanted)]);
    const floor = wanted.show === "time" && timed.floor?.time ? timed.floor.time : [];
    const values = floor.concat(rows.flatMap(([, found]) => found ? [...found.shown.filter(Boolean),
      ...found.rounds.filter((value) => value > found.shown[0] / 2
        && value < found.shown[0] * 2)] : []));
    const counted = group.rows.some((row) => row.turns);
    const axis = values.length ? logAxis(values, valueText[wanted.show], 22) : null;
    return h("table.times",
      group.label && h("caption", group.label),
      axis && h("thead", h("tr", h("th", { scope: "col" }, "driver"), h("th.plot",
        { scope: "col" }, h("span.sr", "rounds and interval"),
        axis.ticks.map((tick) => h("span.tick", { class: `tick${
          tick.at < 7 ? " first" : tick.at > 93 ? " last" : ""}`, style: `left:${tick.at}%` },
        tick.text))),
      h("th.num", { scope: "col" }, SHOWN[wanted.show]), h("th.num", { scope: "col" },
        "95 % interval"), wanted.show !== "ratio" && h("th.num", { scope: "col" }, "× ",
        wanted.base >= 0 ? data.drivers[baseOf(group, wanted)] : "fastest"),
      counted && h("th.num.turns", { scope: "col" }, explained("turns")), h("th.key", { scope: "col" }, h("i.client"), "client ", h("i.server"), "server ",
        h("i.waiting"), "waiting"))),
      h("tbody", rows.map(([row, found]) => h("tr",
        h("th", { scope: "row" }, h("span.rank", rankOf(row)), driverName(data, row.driver)),
        found ? [
          h(`td.plot.h${data.hues[row.driver] % 8}`, dots(axis, found)),
          h("td.num", valueText[wanted.show](found.shown[0]),
            wanted.show === "rate" && h("small", `${timed.unit}/s`)),
          h("td.num", intervalText(found.shown, wanted.show), flagsOf(data, timed, row)),
          wanted.show !== "ratio" && multiple(group, row, wanted),
          counted && h("td.num.turns", row.turns),
          h("td", cpuOf(row)),
        ] : h("td", { colspan: 6 }, row.verdict ? verdictMark(row.verdict) : "not tried",
          " ", row.time ? "no common rounds with the baseline" : row.detail ?? ""))),
      axis && floorOf(timed, axis, wanted)));
  });
}

/** `1`, `=1` if it cannot be told from the fastest, `≠` if timed but not ranked. */
function rankOf(row) {
  if (row.rank) return row.rank === 1 && row.tied ? "=1" : row.rank;
  return row.verdict === "differs" && row.time && h("abbr", { title: row.detail ?? "" }, "≠");
}

/** What casts doubt on a time, beside it. */
function flagsOf(data, timed, row) {
  const cell = data.cells[timed.cell];
  const flags = data.runs[timed.run].flags[`${cell.id}, ${data.drivers[row.driver]}`];
  return flags && h("abbr.flag", { title: flags.join("\n"), tabindex: 0 }, "⚑",
    h("span.sr", flags.join(" ")));
}

/** The floor below the drivers: what a C program takes for the same statements. */
function floorOf(timed, axis, wanted) {
  if (!timed.floor?.time || wanted.show !== "time") return null;
  const [point] = timed.floor.time;
  return h("tr.floor", h("th", { scope: "row" }, h("span.rank"), explained("floor"),
    `: ${timed.floor_name}`),
    h("td.plot", dots(axis, { shown: timed.floor.time, rounds: timed.floor.rounds ?? [] })),
    h("td.num", duration(point)), h("td.num", intervalText(timed.floor.time, "time")));
}

function cpuOf(row) {
  if (!row.cpu || !row.time) return null;
  const whole = Math.max(row.time[0], row.cpu);
  const parts = [["client", row.cpu], ...row.server ? [["server", row.server]] : []];
  const spent = parts.reduce((sum, [, value]) => sum + value, 0);
  return split([...parts, ["waiting", Math.max(0, whole - spent)]], Math.max(whole, spent));
}

/** How times are to be shown: here and in a question's dialog, so that a link shows it. */
function asked(data) {
  return { show: Object.hasOwn(SHOWN, state.show) ? state.show : "time",
    base: data.drivers.indexOf(state.base) };
}

function buildTimes(data, place) {
  const timed = data.cells.filter((cell) => cell.timed.length);
  if (!timed.length) return null;
  const drivers = [...new Set(timed.flatMap((cell) => cell.timed.flatMap((one) =>
    one.groups.flatMap((group) => group.rows.map((row) => row.driver)))))].sort((a, b) => a - b);
  const show = h("div.chips", { role: "group", "aria-label": "What is shown" },
    Object.entries(SHOWN).map(([name, label]) => h("button.chipped", { type: "button",
      "data-show": name, click: () => go({ show: name }) }, label)));
  const base = choice("Baseline", [["", "baseline: the fastest"], ...drivers.map((number) =>
    [data.drivers[number], `baseline: ${data.drivers[number]}`])],
  (value) => go({ base: value }));
  const families = new Set(timed.map((cell) => cell.family));
  const family = choice("Family", [["", "all families"],
    ...[...families].sort().map((name) => [name, name])], (value) => go({ family: value }));
  const list = h("div.questions");
  place.append(h("div.filters", show, base, family, copyMenu(() => table())), list);
  const blocks = timed.map((cell) => ({ cell, node: h("article.question",
    h("h4", h("a", { href: address({ c: cell.id, d: "" }), click: (event) => {
      event.preventDefault();
      go({ c: cell.id, d: "" });
    } }, cell.title)), h("div.drawn")) }));
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) paint(target);
  }, { rootMargin: "600px" });
  const byNode = new Map(blocks.map((block) => [block.node, block]));
  list.append(...blocks.map(({ node }) => node));
  for (const { node } of blocks) seen.observe(node);

  function paint(node) {
    const block = byNode.get(node), wanted = asked(data);
    const key = `${wanted.show} ${wanted.base}`;
    if (block.painted === key || node.hidden) return;
    block.painted = key;
    node.querySelector(".drawn").replaceChildren(...block.cell.timed.flatMap((one) => [
      ...question(data, one, wanted),
      ...one.groups.filter((group) => group.note).map((group) => h("p.note", group.note)),
      one.harness && h("p.note", one.harness)].filter(Boolean)));
  }

  function table() {
    const wanted = asked(data);
    const shown = blocks.filter(({ node }) => !node.hidden);
    return [["question", "driver", SHOWN[wanted.show], "low", "high"], ...shown.flatMap(
      ({ cell }) => cell.timed.flatMap((one) => one.groups.flatMap((group) =>
        group.rows.map((row) => [cell.id, data.drivers[row.driver],
          ...(shownOf(one, group, row, wanted)?.shown ?? ["", "", ""]).map((value) =>
            value ?? "")]))))];
  }

  function update(next) {
    for (const button of show.children) {
      button.setAttribute("aria-pressed", String(button.dataset.show === asked(data).show));
    }
    pick(base, next.base);
    pick(family, next.family);
    for (const { cell, node } of blocks) {
      node.hidden = families.has(next.family) && cell.family !== next.family;
    }
    const near = new Set(blocks.map(({ node }) => node).filter((node) => {  // one layout
      const box = node.hidden ? null : node.getBoundingClientRect();
      return box && box.bottom > -600 && box.top < innerHeight + 600;
    }));
    for (const block of blocks) {
      if (near.has(block.node)) paint(block.node);
      else block.painted = "";
    }
  }
  return { update };
}
