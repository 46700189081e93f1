// Numbers and names as readers see them; the same rules as the rest of the report.

const SYMBOLS = {
  broken: "‼", crashed: "✖", hung: "∞", lossy: "✗", differs: "≠", rejected: "!",
  unsupported: "○", skipped: "·", exact: "✓", invalid: "?",
};
const WORST = ["broken", "crashed", "hung", "lossy", "differs", "rejected", "unsupported",
  "skipped", "invalid", "exact"];
const NOT_ASKED = new Set(["skipped", "invalid"]);

function figures(value, count = 3) {
  if (!value || !isFinite(value)) return value ? "∞" : "0";
  const decimals = Math.max(0, count - 1 - Math.floor(Math.log10(Math.abs(value))));
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString("en-US", options).replace("-", "−");
}

function unitOf(ns) {
  for (const [size, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (Math.abs(ns) >= size) return [size, name];
  }
  return [1, "ns"];
}

function duration(ns) {
  const [size, name] = unitOf(ns);
  return `${figures(ns / size)} ${name}`;
}

function rate(perSecond) {
  for (const [size, name] of [[1e9, " G"], [1e6, " M"], [1e3, " k"]]) {
    if (perSecond >= size) return figures(perSecond / size) + name;
  }
  return figures(perSecond);
}

const times = (ratio) => `${ratio < 100 ? ratio.toFixed(2) : figures(ratio)}×`;

function bytes(count) {
  for (const [size, name] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (count >= size) return `${figures(count / size)} ${name}`;
  }
  return `${Math.round(count)} B`;
}

const HIDDEN = /(?![\n\t])[\p{C}\p{Zl}\p{Zp}]/gu;

/** What is invisible or moves text is shown as Python writes it, not obeyed. */
function visible(text) {
  return text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0).toString(16);
    if (char === "\r") return "\\r";
    if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
  });
}
