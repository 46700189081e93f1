// Only comfort: everything is there without it.
(() => {
  for (const matrix of document.querySelectorAll(".matrix")) {
    const form = matrix.querySelector(".filter");
    const out = form.querySelector("output");
    const rows = [...matrix.querySelectorAll("tr[data-c]")];
    const cells = [...matrix.querySelectorAll("[data-d]")];
    form.hidden = false;

    const wanted = (row, verdict, driver, text) => {
      if (text && !row.dataset.c.toLowerCase().includes(text)) return false;
      if (!verdict) return true;
      return [...row.querySelectorAll("td[data-v]")].some((cell) => {
        if (driver && cell.dataset.d !== driver) return false;
        const found = cell.dataset.v;
        return verdict === "trouble" ? found !== "exact" : found === verdict;
      });
    };
    const update = () => {
      const verdict = form.verdict.value, driver = form.driver.value;
      const text = form.text.value.trim().toLowerCase();
      let shown = 0;
      for (const cell of cells) cell.hidden = Boolean(driver) && cell.dataset.d !== driver;
      for (const row of rows) {
        row.hidden = !wanted(row, verdict, driver, text);
        shown += !row.hidden;
      }
      for (const body of matrix.querySelectorAll("tbody")) {
        body.hidden = !body.querySelector("tr[data-c]:not([hidden])");
      }
      out.textContent = `${shown} of ${rows.length} checks`;
    };
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  }
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("details:not(.more)")) fold.open = true;
  });
})();
