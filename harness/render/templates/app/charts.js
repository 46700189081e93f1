// Charts of our own: dots with intervals, lines with bands, steps. All of them are SVG in
// per cent or in units of their own, so that they scale with the page.

const STEPS = [1, 2, 5];

/** A logarithmic axis around values: where each stands, 0 to 100, and round ticks, each a
 * `share` of the axis or more from the one before. */
function logAxis(values, label, share = 14) {
  const known = values.filter((value) => value > 0 && isFinite(value));
  const [least, most] = known.reduce(([low, high], value) =>
    [Math.min(low, value), Math.max(high, value)], [known[0] ?? 1, known[0] ?? 1]);
  const low = least / 1.06, high = most * 1.06;
  const span = Math.log(high / low) || 1;
  const at = (value) => 100 * Math.log(value / low) / span;
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of STEPS) {
      const value = step * 10 ** power;
      if (value >= low && value <= high) ticks.push({ at: at(value), text: label(value) });
    }
  }
  if (ticks.length > 2) return { at, ticks: apart(ticks, share) };
  const regular = even(low, high).map((value) => ({ at: at(value), text: label(value) }));
  return { at, ticks: apart(regular, share) };
}

/** Of some ticks those whose labels do not touch: a label takes such a share of the axis. */
function apart(ticks, share) {
  const kept = [];
  for (const tick of ticks) if (!kept.length || tick.at - kept.at(-1).at >= share) kept.push(tick);
  return kept;
}

/** Round numbers at equal distances, where powers of ten are too far apart. */
function even(low, high) {
  const rough = (high - low) / 5, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(value);
  return found;
}

/** Lines over a logarithmic x, y; each series has points [x, y, low, high]. */
function lines(data, series, { x, y, width = 640, height = 300, crossings = [] }) {
  const left = 64, right = 16, top = 12, bottom = 40;
  const points = series.flatMap((one) => one.points);
  const across = logAxis(points.map((point) => point[0]), x.label);
  const up = logAxis(points.flatMap(([, value, low, high]) => [value, low ?? value,
    high ?? value]), y.label);
  const px = (value) => left + across.at(value) / 100 * (width - left - right);
  const py = (value) => height - bottom - up.at(value) / 100 * (height - top - bottom);
  const path = (list) => list.map(([a, b], number) => `${number ? "L" : "M"}${px(a).toFixed(1)} `
    + py(b).toFixed(1)).join("");
  return h("svg.chart", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": y.title },
  up.ticks.map((tick) => {
    const place = height - bottom - tick.at / 100 * (height - top - bottom);
    return [h("line.grid", { x1: left, x2: width - right, y1: place, y2: place }),
      h("t.tick", { x: left - 8, y: place + 4, "text-anchor": "end" }, tick.text)];
  }),
  across.ticks.map((tick) => h("t.tick", { x: left + tick.at / 100 * (width - left - right),
    y: height - bottom + 18, "text-anchor": "middle" }, tick.text)),
  h("t.tick", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, x.title),
  crossings.map(({ value, low, high, text }) => [
    h("rect.crossing", { x: px(low), y: top, width: Math.max(1, px(high) - px(low)),
      height: height - top - bottom }),
    h("line.crossed", { x1: px(value), x2: px(value), y1: top, y2: height - bottom },
      h("title", text))]),
  series.map(({ driver, points: own }) => {
    const hue = `h${data.hues[driver] % 8}`;
    const banded = own.filter(([, , low, high]) => low && high);
    return h(`g.${hue}`, h("title", data.drivers[driver]),
      banded.length > 1 && h("path.band", { d: `${path(banded.map((p) => [p[0], p[3]]))}L${path(
        banded.slice().reverse().map((p) => [p[0], p[2]])).slice(1)}Z` }),
      own.length > 1 && h("path.line", { d: path(own) }),
      own.map(([a, b]) => h("circle.point", { cx: px(a), cy: py(b), r: 3.5 })));
  }));
}

/** Dots above the bar of the interval, one row for each driver. */
function dots(axis, row) {
  const at = (value) => `${axis.at(value).toFixed(2)}%`;
  const [point, low, high] = row.shown;
  const width = low && high ? axis.at(high) - axis.at(low) : 0;
  return h("svg.dots", { "aria-hidden": "true" },
    axis.ticks.map((tick) => h("line.grid", { x1: `${tick.at}%`, x2: `${tick.at}%`, y1: 0,
      y2: "100%" })),
    low && high && h("line.interval", { x1: at(low), x2: at(high), y1: 21, y2: 21,
      style: `opacity:${(1 - Math.min(0.4, width / 90)).toFixed(2)}` }),
    row.rounds.map((value) => axis.at(value) >= 0 && axis.at(value) <= 100
      && h("circle.round", { cx: at(value), cy: 9, r: 2.5 })),
    h("circle.estimate", { cx: at(point), cy: 21, r: 5 }));
}

/** The share of single ops that took no longer than a time: a step line for each driver. */
function ecdf(data, timed) {
  const rows = timed.groups.flatMap((group) => group.rows.filter((row) => row.curve));
  if (!rows.length) return null;
  const width = 640, height = 240, left = 48, right = 12, top = 8, bottom = 40;
  const axis = logAxis(rows.flatMap((row) => row.curve.slice(0, -2)), duration);
  const px = (value) => left + Math.max(0, Math.min(100, axis.at(value))) / 100
    * (width - left - right);
  const py = (share) => height - bottom - share * (height - top - bottom);
  return h("figure", h("svg.chart", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Share of single ops that took no longer than a time, by driver" },
  [0, 0.5, 0.9, 1].map((share) => [h("line.grid", { x1: left, x2: width - right,
    y1: py(share), y2: py(share) }), h("t.tick", { x: left - 6, y: py(share) + 4,
    "text-anchor": "end" }, `${share * 100} %`)]),
  axis.ticks.map((tick) => h("t.tick", { x: left + tick.at / 100 * (width - left - right),
    y: height - bottom + 18, "text-anchor": "middle" }, tick.text)),
  h("t.tick", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" },
    timed.open ? "response time" : "service time"),
  rows.map((row) => h(`g.h${data.hues[row.driver] % 8}`, h("title", data.drivers[row.driver]),
    h("path.line", { d: row.curve.map((value, number) => `${number ? "H" : "M"}`
      + `${px(value).toFixed(1)}${number ? "V" : " "}${py(data.shares[number]).toFixed(1)}`)
      .join("") })))));
}

/** One driver against itself in every question: what lies off 1 is noise. */
function forest(data, comparisons) {
  const known = comparisons.filter(([, , low, high]) => low && high);
  if (!known.length) return null;
  const row = 18, left = 300, width = 860, top = 24;
  const height = top + row * known.length + 8;
  const reach = Math.max(0.01, ...known.flatMap(([, , low, high]) =>
    [Math.abs(Math.log(low)), Math.abs(Math.log(high))]));
  const px = (ratio) => left + (width - left - 12) * (0.5 + Math.log(ratio) / reach / 2.1);
  const percent = (ratio) => `${ratio > 1 ? "+" : ratio < 1 ? "−" : ""}`
    + `${Math.abs((ratio - 1) * 100).toFixed(1)} %`;
  return h("figure", h("figcaption", h("b", "One driver against itself"), " ",
    h("small", "the copy over the original in every question, with 95 % intervals")),
  sideways(h("svg.chart.overview", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label":
    "Ratio of a driver to itself by question" },
  [Math.exp(-reach), 1, Math.exp(reach)].map((ratio) => [h("line.grid", { x1: px(ratio),
    x2: px(ratio), y1: top - 6, y2: height }), h("t.tick", { x: px(ratio), y: 12,
    "text-anchor": "middle" }, percent(ratio))]),
  known.map(([cell, point, low, high, differs], number) => {
    const y = top + row * (number + 0.5);
    return h(differs ? "g.off" : "g.own", h("title", `${cell}: ${percent(point)} `
      + `(${percent(low)} … ${percent(high)})`),
    h("t.tick", { x: left - 10, y: y + 4, "text-anchor": "end" },
      shortened(data.byId.get(cell)?.title ?? cell, 44)),
    h("line.interval", { x1: px(low), x2: px(high), y1: y, y2: y }),
    h("circle.estimate", { cx: px(point), cy: y, r: 4 }));
  }))));
}

/** How a time is made up: client, server, waiting. */
function split(parts, whole) {
  let at = 0;
  return h("svg.split", { role: "img", "aria-label": parts.map(([name, value]) =>
    `${name} ${Math.round(100 * value / whole)} %`).join(", ") },
  parts.map(([name, value]) => {
    const share = 100 * Math.min(value, whole - at) / whole;
    const bar = h(`rect.${name}`, { x: `${100 * at / whole}%`, width: `${share}%`, y: 0,
      height: "100%" }, h("title", `${name}: ${duration(value)}`));
    at += Math.min(value, whole - at);
    return bar;
  }));
}

/** A chart as a file of its own: the styles that it has here go along. */
function saved(svg, name) {
  const copyOf = svg.cloneNode(true);
  const own = [svg, ...svg.querySelectorAll("*")];
  [copyOf, ...copyOf.querySelectorAll("*")].forEach((node, number) => {
    const style = getComputedStyle(own[number]);
    node.setAttribute("style", ["fill", "stroke", "stroke-width", "opacity", "font"]
      .map((property) => `${property}:${style.getPropertyValue(property)}`).join(";"));
  });
  copyOf.setAttribute("xmlns", SVG);
  const url = URL.createObjectURL(new Blob([copyOf.outerHTML], { type: "image/svg+xml" }));
  h("a", { href: url, download: `${name}.svg` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
