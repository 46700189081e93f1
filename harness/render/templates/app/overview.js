// All questions at once: how far each driver is behind the fastest, a row for each question.

const MOST_ROWS = 80;

/** A title in so many letters; what stands in brackets at its end tells it from others. */
function shortened(title, most) {
  if (title.length <= most) return title;
  const tail = /\([^()]*\)( · [a-z]+)?$/.exec(title)?.[0] ?? "";
  if (tail.length > most - 8) return `${title.slice(0, most - 1)}…`;
  return `${title.slice(0, most - tail.length - 2)}… ${tail}`;
}

/** The groups of all questions that compare at least two drivers, with their ratios. */
function compared(data) {
  return data.cells.flatMap((cell) => cell.timed.flatMap((timed) => timed.groups
    .filter((group) => group.first >= 0).map((group) => ({ cell, group,
      ratios: group.rows.map((row) => [row, ratioOf(group, row.driver, group.first)])
        .filter(([row, ratio]) => ratio && row.rank) }))
    .filter(({ ratios }) => ratios.length > 1)));
}

function overview(data) {
  const all = compared(data), rows = all.slice(0, MOST_ROWS);
  if (!rows.length) return null;
  const [high, left, width] = NARROW.matches ? [42, 12, 400] : [20, 420, 1100], top = 26;
  const height = top + high * rows.length + 6;
  const axis = logAxis(rows.flatMap(({ ratios }) => ratios.map(([, [point]]) => point)), (ratio) => `${ratio}×`);
  const across = (share) => left + share / 100 * (width - left - 30);
  const px = (ratio) => across(axis.at(ratio));
  const chart = h("svg.chart.overview", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Time of each driver as a multiple of the fastest driver’s, by question" },
  axis.ticks.map((tick) => [h("line.grid", { x1: across(tick.at), x2: across(tick.at),
    y1: top - 6, y2: height }), h("t.tick", { x: across(tick.at), y: 12,
    "text-anchor": "middle" }, tick.text)]),
  rows.map(({ cell, group, ratios }, number) => {
    const y = top + high * (number + (NARROW.matches ? 0.75 : 0.5));
    const title = cell.title + (group.label ? ` · ${group.label}` : "");
    const place = NARROW.matches ? { x: 0, y: y - 12 }
      : { x: left - 12, y: y + 4, "text-anchor": "end" };
    return h("g", h("t.tick", place, h("title", title), shortened(title, 62)),
    h("line.grid", { x1: left - 4, x2: width, y1: y, y2: y }),
    ratios.map(([row, [point]]) => h("circle.estimate", { class:
      `estimate h${data.hues[row.driver] % 8}`, cx: px(point), cy: y, r: 4.5 },
    h("title", `${data.drivers[row.driver]}: ${times(point)}`))));
  }));
  const names = [...new Set(all.flatMap(({ ratios }) => ratios.map(([row]) => row.driver)))];
  return h("figure", h("figcaption", h("b", "Every question at once"), " ",
    h("small", `time as a multiple of the fastest driver’s, without the intervals, which are under Times${all.length > rows.length
      ? `; the first ${MOST_ROWS} of ${all.length}, all of them under Times` : ""}`)),
  h("p.note", names.sort((a, b) => a - b).map((driver) => [driverName(data, driver), " "])),
  sideways(chart), h("button.quiet", { type: "button", click: () => saved(chart, "overview") }, "SVG"));
}

/** A wide chart, which scrolls on a narrow screen: smaller, its text could not be read. */
function sideways(chart) {
  const block = h("div.scroll", chart);
  scrolling.observe(block);
  return block;
}
