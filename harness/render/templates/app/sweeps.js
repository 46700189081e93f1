// Sweeps: a case over one of its axes, a line for each driver, and where two of them cross.

/** The cells of a case that differ in one axis only, with at least three numbers on it. */
function sweeps(data) {
  const groups = new Map();
  for (const cell of data.cells) {
    for (const timed of cell.timed) {
      for (const [axis, value] of Object.entries(timed.point)) {
        if (typeof value !== "number" || value <= 0) continue;  // the axis is logarithmic
        const rest = Object.entries(timed.point).filter(([name]) => name !== axis);
        const asked = cell.id.replace(/@[^[]*/, "");  // the case and its condition
        const key = JSON.stringify([timed.run, asked, axis, rest]);
        const found = groups.get(key) ?? { axis, rest, cell, points: [] };
        found.points.push({ x: value, timed, cell });
        groups.set(key, found);
      }
    }
  }
  return [...groups.values()].filter(({ points }) => points.length >= 3)
    .map((sweep) => ({ ...sweep, points: sweep.points.sort((a, b) => a.x - b.x) }));
}

function seriesOf(data, sweep) {
  return data.drivers.map((_, driver) => ({ driver, points: sweep.points.flatMap(
    ({ x, timed }) => timed.groups.flatMap((group) => group.rows
      .filter((row) => row.driver === driver && row.time)
      .map((row) => [x, ...row.time.map((value) => value && value / timed.units)]))) }))
    .filter(({ points }) => points.length > 1);
}

/** Where the ratio of two drivers passes 1, with the points between which it may. */
function crossings(sweep, driver, base) {
  const ratios = sweep.points.flatMap(({ x, timed }) => timed.groups.map((group) =>
    [x, ratioOf(group, driver, base)])).filter(([, ratio]) => ratio);
  const found = [];
  for (let at = 1; at < ratios.length; at++) {
    const [[x0, r0], [x1, r1]] = [ratios[at - 1], ratios[at]];
    if ((r0[0] - 1) * (r1[0] - 1) >= 0) continue;
    const between = (a, b) => {
      if (!a || !b || (a - 1) * (b - 1) > 0) return null;
      const share = Math.log(a) / (Math.log(a) - Math.log(b));
      return Math.exp(Math.log(x0) + share * Math.log(x1 / x0));
    };
    const ends = [between(r0[1], r1[1]) ?? x0, between(r0[2], r1[2]) ?? x1].sort((a, b) => a - b);
    found.push({ value: between(r0[0], r1[0]), low: ends[0], high: ends[1] });
  }
  return found;
}

function buildCharts(data, place) {
  const found = sweeps(data);
  place.append(overview(data) ?? "");
  if (!found.length) {
    place.append(h("p.note", "A sweep over an axis, with the points at which drivers cross, "
      + "needs three points of it or more. This times them:"),
    copyable("pgdyno bench execute_many/strategies copy/in --effort full"));
  }
  for (const sweep of found) {
    const series = seriesOf(data, sweep);
    if (!series.length) continue;
    const crossed = series.flatMap(({ driver }, number) => series.slice(number + 1).flatMap(
      (other) => crossings(sweep, driver, other.driver).map((at) => ({ ...at,
        text: `${data.drivers[driver]} and ${data.drivers[other.driver]} cross at `
          + `${figures(at.value, 2)} (${figures(at.low, 2)} – ${figures(at.high, 2)})` }))));
    const chart = lines(data, series, {
      x: { title: sweep.axis, label: (value) => figures(value, 1) },
      y: { title: `${sweep.cell.shared}: time per unit by ${sweep.axis}`, label: duration },
      crossings: crossed.slice(0, 3) });
    const where = sweep.rest.map(([name, value]) => `${name} = ${value}`).join(", ");
    place.append(h("figure", h("figcaption", h("b", sweep.cell.shared), " ",
      h("small", `by ${sweep.axis}${where ? `, ${where}` : ""}`)), chart,
    h("p.note", series.map(({ driver }) => [driverName(data, driver), " "])),
    crossed.slice(0, 3).map(({ text }) => h("p.note", `${text}.`)),
    h("button.quiet", { type: "button", click: () => saved(chart, "sweep") }, "SVG")));
  }
  for (const run of data.runs) place.append(forest(data, run.noise) ?? "");
  return { update() {} };
}
