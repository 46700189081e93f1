// What somebody types: words that must all be there, each anywhere or in the field that it
// names (`sql:jsonb`), and where a row has them.

const FIELDS = ["id", "title", "sql", "detail", "driver", "code"];
const TYPED = new RegExp(`(?:(${FIELDS.join("|")}):)?("[^"]*"?|\\S+)`, "gi");

/** `driver:psqlpy "two words" uuid` as its parts: a field, or none, and what it must hold. */
function partsOf(typed) {
  return [...typed.matchAll(TYPED)].map(([, field, text]) => ({
    field: field?.toLowerCase() ?? "", text: text.replaceAll("\"", "").toLowerCase() }))
    .filter(({ text }) => text);
}

/** A search: `of(cell, drivers)` is null where a cell has not all of it, else what of its
 * answers had a part of it, if that was in none of its own texts. */
function searching(data, typed) {
  const parts = partsOf(typed);
  const own = parts.filter(({ field }) => ["id", "title", "sql"].includes(field));
  const said = parts.filter(({ field }) => ["detail", "driver", "code"].includes(field));
  const plain = parts.filter(({ field }) => !field).map(({ text }) => text);
  const of = (cell) => {
    if (!own.every(({ field, text }) => cell.lower[field].includes(text))) return null;
    const missing = plain.filter((text) => !cell.text.includes(text));
    if (!missing.length && !said.length) return {};
    const column = data.columns.find(({ number, driver }) => cell.answers[number]
      && holds(cell.answers[number], data.drivers[driver], said, missing));
    return column ? { driver: column.driver, answer: cell.answers[column.number] } : null;
  };
  const words = (...fields) => parts.filter(({ field }) => !field || fields.includes(field))
    .map(({ text }) => text);
  return { of, asked: parts.length > 0, words };
}

/** Whether one answer of one driver has all that is asked of answers. */
function holds(answer, driver, said, words) {
  answer.lower ??= { code: answer.code.toLowerCase(), detail: [answer.detail, answer.observed,
    answer.expected, answer.deviation, answer.drift, answer.code].join("\n").toLowerCase() };
  return words.every((word) => answer.lower.detail.includes(word))
    && said.every(({ field, text }) => (field === "driver" ? driver.toLowerCase()
      : answer.lower[field]).includes(text));
}

/** A text in which what was searched for is marked. */
function marked(text, words) {
  const lower = text.toLowerCase();
  const at = words.flatMap((word) => {
    const found = lower.indexOf(word);
    return found < 0 ? [] : [[found, found + word.length]];
  }).sort((a, b) => a[0] - b[0]);
  const nodes = [];
  let from = 0;
  for (const [start, end] of at) {
    if (start < from) continue;
    nodes.push(text.slice(from, start), h("mark", text.slice(start, end)));
    from = end;
  }
  return [...nodes, text.slice(from)];
}

/** The part of a long text around the first word that was searched for. */
function around(text, words) {
  const at = Math.min(...words.map((word) => text.toLowerCase().indexOf(word))
    .filter((found) => found >= 0));
  return isFinite(at) && at > 30 ? `…${text.slice(at - 20)}` : text;
}
