// Elements in one call, and text that can never become markup.

const SVG = document.getElementById("shapes").namespaceURI;
const SHAPES = new Set(["svg", "g", "line", "circle", "rect", "path", "polygon", "title"]);

/** h("td.num", {title: "…"}, "text", child, …) */
function h(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  const shape = SHAPES.has(tag) || tag === "t";  // t: text of a chart
  const node = shape ? document.createElementNS(SVG, tag === "t" ? "text" : tag)
    : document.createElement(tag);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  for (const part of rest.flat(3)) {
    if (part === null || part === undefined || part === false) continue;
    if (part instanceof Node) node.append(part);
    else if (typeof part === "object") assign(node, part);
    else node.append(visible(String(part)));
  }
  return node;
}

function assign(node, given) {
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name === "style") node.style.cssText = value;
    else if (name === "value") node.value = value;  // never shown: it stays what it is
    else node.setAttribute(name, value === true ? "" : visible(String(value)));
  }
}

const verdictMark = (verdict) => h(`span.v.v-${verdict}`,
  h("span.s", { "aria-hidden": "true" }, SYMBOLS[verdict] ?? "–"), ` ${verdict}`);

const driverName = (data, number) => h(`span.driver.h${data.hues[number] % 8}`,
  h("span.chip"), h("bdi", data.drivers[number]));

/** A word that "How to read this" explains. */
const explained = (word) => h("a.term", { href: `#term-${word}`, title: document.querySelector(
  `#term-${word} dd`)?.textContent }, word);

/** A command with a button that copies it; a line of it never ends within a word. */
function copyable(text) {
  const button = h("button.copy", { type: "button", click: () => copy(text, button) }, "Copy");
  const words = text.split(" ").flatMap((word) => [" ", h("span.word", word)]).slice(1);
  return h("div.copyable", h("code", words), button);
}

async function copy(text, button) {
  const label = button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = copiedByHand(text, button) ? "Copied" : "Could not copy";
  }
  setTimeout(() => { button.textContent = label; }, 1600);
}

/** Where a page may not write to the clipboard, what is selected can still be copied. */
function copiedByHand(text, button) {
  const area = h("textarea.sr", { value: text });
  button.after(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  button.focus();
  return copied;
}
