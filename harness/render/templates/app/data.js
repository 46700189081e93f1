// The data of the page: unpacked once, when somebody looks.

const unpacked = (() => {
  let promise;
  return () => promise ??= unpack(document.getElementById("data").textContent);
})();

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text.trim()), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unfold(JSON.parse(await new Response(stream).text()));
}

/** Numbers become what they refer to. */
function unfold(raw) {
  const word = (number) => raw.words[number];
  const verdicts = raw.verdicts.map((name, number) => ({ name, number }));
  const answers = [null, ...raw.answers.map(([verdict, ...texts]) => {
    const [code, detail, observed, expected, drift, deviation, link] = texts.map(word);
    const name = verdicts[verdict].name;
    return { verdict: name, code, detail, observed, expected, drift, deviation, link };
  })];
  const cells = raw.cells.map(([id, ...texts], number) => {
    const [title, sql, why, path, task, shared] = texts.map(word);
    const local = id.slice(id.indexOf("#") + 1), scenario = id.slice(0, id.indexOf("#"));
    const lower = { id: id.toLowerCase(), title: title.toLowerCase(), sql: sql.toLowerCase() };
    return { number, id, title, shared, sql, why, task, path: path || id, local, scenario,
      family: scenario.split("/")[0], lower, text: Object.values(lower).join("\n"),
      answers: [], timed: [] };
  });
  const columns = raw.columns.map(([driver, profile, packed], number) => {
    let at = 0;
    for (let i = 0; i < packed.length; i += 2) {
      for (let times = packed[i + 1]; times; times--, at++) {
        if (packed[i]) cells[at].answers[number] = answers[packed[i]];
      }
    }
    return { driver, profile, number };
  });
  raw.runs.forEach((run, number) => {
    for (const timed of run.cells) cells[timed.cell].timed.push({ ...timed, run: number });
  });
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  const causes = new Map(raw.causes.map(([key, who, reason, numbers]) => [key,
    { who, reason: word(reason), cells: new Set(numbers) }]));
  return { drivers: raw.drivers, hues: raw.hues, runs: raw.runs, shares: raw.shares, cells,
    columns, byId, causes };
}

/** What a driver said of a cell, by profile: of two that are alike only one. */
function said(data, cell, driver) {
  const found = data.columns
    .filter((column) => column.driver === driver && cell.answers[column.number])
    .map((column) => ({ profile: column.profile, answer: cell.answers[column.number] }));
  const alike = found.every(({ answer }) => answer === found[0].answer);
  return alike && (found.length > 1 || found[0]?.profile === "default") ? [{ ...found[0], profile: "" }] : found;
}
