// What the markup of the page gets where there is a program: buttons that copy, tables that
// are built when they are opened, and fewer stops for the Tab key.

/** Of many links in a block a single one is a stop for Tab; arrows go on from there. */
function roving(block, selector) {
  const items = () => [...block.querySelectorAll(selector)];
  const stop = (chosen) => items().forEach((item) => { item.tabIndex = item === chosen ? 0 : -1; });
  stop(items()[0]);
  block.addEventListener("focusin", (event) => {
    if (event.target.matches(selector)) stop(event.target);
  });
  block.addEventListener("keydown", (event) => {
    const all = items(), at = all.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    all[to]?.focus();
  });
}

/** Every cause has the command that shows it, and some a link to where maintainers speak of
 * it; both come when their group is opened. */
function commands(list) {
  for (const cause of list.querySelectorAll("[data-copy]")) {
    const button = h("button.copy", { type: "button", title: cause.dataset.copy, click: () =>
      copy(cause.dataset.copy, button) }, "Copy command");
    const { link } = cause.dataset;
    cause.lastElementChild.append(" ", button, ...link
      ? [" ", h("a", { href: link, rel: "noreferrer" }, "what is known of it")] : []);
  }
  roving(list, "a, button");
}

/** Call back when a `<details>` is open for the first time. */
function whenOpened(details, build) {
  const opened = () => {
    if (!details.open) return;
    details.removeEventListener("toggle", opened);
    build();
  };
  details.addEventListener("toggle", opened);
  opened();
}

for (const details of document.querySelectorAll("#causes details")) {
  whenOpened(details, () => commands(details.querySelector(".causes")));
}

for (const details of document.querySelectorAll("details.later")) {
  const content = details.querySelector("template");
  whenOpened(details, () => {
    content.replaceWith(content.content);
    reachable(details);
  });
}

for (const block of document.querySelectorAll("#families table, .card, .tiles")) {
  if (block.querySelector("a")) roving(block, "a");
}

/** What scrolls sideways is a stop for Tab, and only while it does. */
const scrolling = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const scrolls = target.scrollWidth > target.clientWidth;
    const name = target.closest("figure, section, article")
      ?.querySelector("figcaption b, h2, h3, h4")?.textContent;
    assign(target, scrolls && { tabindex: 0, role: "region", "aria-label": `Scrolls: ${name}` });
    if (!scrolls) for (const key of ["tabindex", "role", "aria-label"]) target.removeAttribute(key);
  }
});

function reachable(place) {
  for (const block of place.querySelectorAll(".scroll")) scrolling.observe(block);
}

reachable(document);
