"use strict";
// Text of runs and models gets into the page as text nodes only, never as markup.
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const find = (id) => document.getElementById(id);
const count = (number) => number.toLocaleString("en");
// ---- tables that sort ---------------------------------------------------------------------------
const collator = new Intl.Collator("en", { numeric: true });
// What has no value is last in both directions.
function compare(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  const sign = typeof a === "string" ? collator.compare(a, b) : a - b;
  return down ? -sign : sign;
}

function makeSortable(head, numbers, sorts) {
  head.append(make("button", { type: "button", class: "sort" }, ...head.childNodes));
  head.firstChild.addEventListener("click", () => {
    const now = head.getAttribute("aria-sort");
    sorts(now ? now === "ascending" : numbers); // the largest number first
  });
}
function markSorted(heads, head, down) {
  for (const one of heads) one.removeAttribute("aria-sort");
  head?.setAttribute("aria-sort", down ? "descending" : "ascending");
}

for (const head of document.querySelectorAll("th[data-sort]")) {
  const numbers = head.dataset.sort === "number";
  const value = (row) => {
    const cell = row.cells[head.cellIndex], text = cell?.dataset.value ?? cell?.textContent.trim() ?? "";
    return !numbers ? text : text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  };
  makeSortable(head, numbers, (down) => {
    for (const body of head.closest("table").tBodies)
      body.append(...[...body.rows].sort((a, b) => compare(value(a), value(b), down)));
    markSorted(head.parentElement.cells, head, down);
  });
}
// ---- differences between two answers --------------------------------------------------------------
const WORD = /\d+(?:[.,]\d+)*|\p{Script=Han}|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const MOST_PAIRS = 4e6; // in the table of common words: 8 MB, some 20 ms
// The ranges of `a` and of `b` outside their longest common subsequence of words; null where they are too long.
function differences(a, b) {
  const [left, right] = [a, b].map((text) => [...text.matchAll(WORD)]);
  const same = (i, j) => left[i][0] === right[j][0];
  let start = 0, m = left.length, n = right.length;
  while (start < m && start < n && same(start, start)) start++;
  while (m > start && n > start && same(m - 1, n - 1)) { m--; n--; }
  if ((m - start) * (n - start) > MOST_PAIRS) return null;
  const common = Array.from({ length: m + 1 }, () => new Uint16Array(n + 1));
  for (let i = m - 1; i >= start; i--)
    for (let j = n - 1; j >= start; j--)
      common[i][j] = same(i, j) ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const add = (ranges, text, word) => {
    const last = ranges.at(-1), end = word.index + word[0].length;
    if (last && !text.slice(last[1], word.index).trim()) last[1] = end;
    else ranges.push([word.index, end]);
  };
  const found = [[], []];
  for (let i = start, j = start; i < m || j < n; ) {
    if (i < m && j < n && same(i, j)) { i++; j++; }
    else if (j === n || (i < m && common[i + 1][j] >= common[i][j + 1])) add(found[0], a, left[i++]);
    else add(found[1], b, right[j++]);
  }
  return found;
}

// A text in parts, with what extraction took and what differs marked.
function marked(text, taken, differing) {
  const cuts = [...new Set([0, text.length, ...taken.flat(), ...differing.flat()])].sort((a, b) => a - b);
  const inside = (ranges, at) => ranges.some(([from, to]) => from <= at && at < to);
  return cuts.slice(1).map((end, i) => {
    const part = text.slice(cuts[i], end);
    const names = Object.entries({ taken, differs: differing }).filter((layer) => inside(layer[1], cuts[i]));
    return names.length ? make("mark", { class: names.map((layer) => layer[0]).join(" ") }, part) : part;
  });
}

// ---- samples ------------------------------------------------------------------------------------
const SIGNS = { right: "✓", partly: "◐", wrong: "✗", unscored: "?", number: "" };
const PAGE = 50; // rows
const SHORT = /^.{1,24}$/; // an extracted answer that the table shows
async function readRecords(element) {
  if (element.dataset.encoding !== "gzip") return JSON.parse(element.textContent);
  const bytes = Uint8Array.from(atob(element.textContent), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function browseSamples([{ runs, tasks, kinds }, ...rows]) {
  const form = document.querySelector("#browser form"), filters = [...form.elements].filter((one) => one.name);
  const body = find("rows").tBodies[0], heads = [...document.querySelectorAll("th[data-column]")];
  const dialog = find("sample"), keys = find("keys"), before = find("before"), after = find("after");
  const paragraphs = rows.flatMap((row) => row.new || []);
  const defaults = Object.fromEntries(filters.map((one) => [one.name, one.value]));
  let shown = [], state = { ...defaults }, opened = null;
  rows.sort((a, b) => a.order - b.order);
  const columnOf = (head) => head.dataset.column;
  const nameOf = (row) => (row.repeat ? `${row.sample}, try ${row.repeat + 1}` : row.sample);
  const keyOf = (row) => `${tasks[row.task]}/${row.sample}/${row.repeat}`;
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const textOf = (numbers) => numbers.map((number) => paragraphs[number]).join("");
  const scoreOf = (cell) => cell && (cell.scores.find((one) => one.scorer === state.scorer) || cell.scores[0]);
  const extracted = (cell, score) => score.answer ?? (score.place ? cell.text.slice(...score.place) : "");
  // All that a search looks through, made when it is first needed, or before, a little at a time
  function searched(row) {
    const answers = () => row.cells.filter(Boolean).flatMap((cell) => [cell.text, cell.reasoning,
      ...(cell.options || []).map((option) => option[0]), ...cell.scores.map((score) => score.answer)]);
    const texts = () => [row.sample, ...row.prompts.flat().map((turn) => textOf(turn[1])), ...answers()];
    return (row.text ??= texts().join("\n").toLowerCase());
  }
  const prepare = (some, at) => {
    some.forEach(searched);
    if (at < rows.length) setTimeout(prepare, 0, rows.slice(at, at + 100), at + 100);
  };
  function matches(row) {
    const right = (score) => score?.mark === "right", lost = (score) => ["wrong", "partly"].includes(score?.mark);
    const scores = row.cells.map(scoreOf), a = scores[state.a], b = scores[state.b], there = scores.filter(Boolean);
    const show = {
      "only-a": () => right(a) && lost(b), "only-b": () => right(b) && lost(a),
      differ: () => new Set(there.map((score) => score.value).filter((value) => value !== null)).size > 1,
      right: () => there.every(right), lost: () => !there.some(right),
    }[state.show];
    const has = (score) => score?.failure === state.with || score?.kinds?.includes(state.with);
    return (!state.task || row.task === Number(state.task)) && (!show || show()) &&
      (!state.with || (state.in ? has(scores[state.in]) : scores.some(has))) &&
      (!state.q || searched(row).includes(state.q.toLowerCase()));
  }
  function choose() {
    shown = rows.filter(matches);
    const down = state.sort?.startsWith("-"), column = state.sort?.replace("-", "");
    const head = heads.find((one) => columnOf(one) === column);
    const values = { sample: (row) => row.sample, task: (row) => tasks[row.task] };
    const value = values[column] || ((row) => scoreOf(row.cells[column])?.value ?? null);
    if (head) shown.sort((a, b) => compare(value(a), value(b), down));
    markSorted(heads, head, down);
    draw();
  }
  function verdict(score) {
    if (!score) return ["not in this run"];
    const number = ["partly", "number"].includes(score.mark) ? ` ${score.value.toFixed(3)}` : "";
    const tags = (score.kinds || []).filter((kind) => !["wrong", "unscored"].includes(kind)).map((kind) => kinds[kind]);
    if (score.failure && !score.kinds?.includes("no_answer")) tags.push(score.failure);
    return [make("span", { class: `verdict ${score.mark}` }, `${SIGNS[score.mark]} ${score.mark}${number}`),
      ...(tags.length ? [make("small", {}, ` ${tags.join(", ")}`)] : [])];
  }
  function line(row) {
    const open = make("button", { type: "button", class: "open" }, nameOf(row));
    open.addEventListener("click", () => openSample(row, true));
    const answers = row.cells.map((cell) => {
      const score = scoreOf(cell), answer = score ? extracted(cell, score) : "";
      return make("td", {}, ...verdict(score), ...(SHORT.test(answer) ? [" ", make("code", {}, answer)] : []));
    });
    const task = tasks.length > 1 ? [make("td", {}, tasks[row.task])] : [];
    return make("tr", {}, make("th", { scope: "row" }, open), ...task, ...answers);
  }
  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    state.page = Math.min(pages, Math.max(1, Math.trunc(state.page) || 1));
    const focused = [...body.rows].findIndex((row) => row.contains(document.activeElement));
    body.replaceChildren(...shown.slice((state.page - 1) * PAGE, state.page * PAGE).map(line));
    if (focused >= 0) (body.rows[focused] || find("rows")).querySelector("button").focus();
    find("count").textContent = `${count(shown.length)} of ${count(rows.length)} samples`;
    find("page").textContent = `Page ${state.page} of ${pages}`;
    [before.disabled, after.disabled] = [state.page === 1, state.page === pages];
  }
  // The state is in the URL, so that a link leads to what its sender sees
  function save(push) {
    const kept = Object.entries(state).filter(([name, value]) => value && value !== (defaults[name] ?? 1));
    const hash = `#samples?${new URLSearchParams(kept)}`;
    history[push ? "pushState" : "replaceState"](!push ? history.state : state.open ? "opened" : null, "", hash);
  }
  function load() {
    const [place, query] = location.hash.split("?");
    if (place !== "#samples" || query === undefined) return dialog.close();
    state = { ...defaults, ...Object.fromEntries(new URLSearchParams(query)) };
    for (const one of filters) {
      one.value = state[one.name];
      if (one.selectedIndex === -1) state[one.name] = one.value = defaults[one.name]; // no such choice
    }
    choose();
    if (byKey.has(state.open)) openSample(byKey.get(state.open)); else dialog.close();
  }
  function turn(by) {
    state.page += by;
    draw();
    save(false);
    [...body.querySelectorAll("button.open")].at(by < 0 ? -1 : 0)?.focus();
  }
  // ---- one sample
  const mark = (name, words) => make("mark", { class: name }, words);
  const pre = (name, parts, more) => make("pre", { tabindex: 0, role: "group", "aria-label": name, ...more }, ...parts);
  const folded = (name, parts, more) => make("details", more, make("summary", {}, name), ...parts);
  const turnOf = ([role, numbers]) => [make("h4", {}, role), pre(role || "prompt", [textOf(numbers)])];
  const promptOf = (turns, name) => folded(name, turns.flatMap(turnOf), { open: "", class: "prompt" });
  const optionsOf = (options) => make("table", {}, make("caption", {}, "Options by log-probability"), make("tbody", {},
    ...options.map(([text, logprob, words]) => make("tr", {}, make("td", {}, make("code", {}, text)),
      make("td", { class: "num" }, logprob), make("td", {}, words)))));
  function answerOf(cell, run, differing, prompts) {
    const card = make("article", {}, make("h4", {}, make("span", { class: `dot s${run % 8}` }), runs[run]));
    card.append(make("p", {}, ...verdict(scoreOf(cell))));
    if (!cell) return card;
    const text = cell.text || "", taken = [scoreOf(cell), ...cell.scores].find((score) => score.place);
    if (prompts > 1) card.append(make("p", {}, `answers prompt ${(cell.prompt || 0) + 1}`));
    if (cell.reasoning) card.append(folded("Reasoning", [pre(`reasoning of ${runs[run]}`, [cell.reasoning])], {}));
    const parts = text ? marked(text, taken ? [taken.place] : [], differing) : ["(no text)"];
    card.append(cell.options ? optionsOf(cell.options) : pre(`answer of ${runs[run]}`, parts, { class: "answer" }));
    if (taken) card.append(make("p", { class: "legend" }, mark("taken", "Marked"), `: ${taken.scorer} extracted it.`));
    card.append(make("dl", {}, ...cell.scores.flatMap((score) => {
      const answer = extracted(cell, score), is = answer.includes("\n") && !score.answer ? "as marked" : answer;
      const value = score.value?.toFixed(3) ?? "unscored";
      const read = answer ? [make("dd", {}, "extracted: ", make("code", {}, is))] : [];
      return [make("dt", {}, `${score.scorer}: ${value}`), ...read, make("dd", {}, score.reason || "")];
    })), make("p", { class: "facts" }, (cell.facts || []).join(" · ")));
    return card;
  }
  // What differs: in the answer of A from B's, in the others from A's; of the first two answers where one lacks
  function differing(cells) {
    const there = [...cells.keys()].filter((run) => cells[run]?.text);
    const [a, b] = new Set([state.a, state.b].map(Number).filter((run) => there.includes(run)).concat(there));
    if (b === undefined) return { ranges: [], words: [] };
    const pairs = cells.map((cell, run) => cell?.text && run !== a ? differences(cells[a].text, cell.text) : [[], []]);
    if (pairs.includes(null)) return { ranges: [], words: ["These answers are too long to mark their differences."] };
    const more = there.length > 2 ? ": A is compared with B, the others with A" : "";
    const words = [mark("differs", "Underlined"), ` words are not in the other answer${more}.`];
    return { ranges: pairs.map((pair, run) => (run === a ? pairs[b][0] : pair[1])), words };
  }
  // `push`: whether the browser's history gets a new entry, or the present one changes; undefined: it is as in the URL
  function openSample(row, push) {
    const { ranges, words } = differing(row.cells), at = shown.indexOf(row), prompts = row.prompts.length;
    [opened, state.open] = [row, keyOf(row)];
    find("sample-title").textContent = `${tasks[row.task]}: ${nameOf(row)}`;
    find("sample-place").textContent = at < 0 ? "not among those shown" : `${count(at + 1)} of ${count(shown.length)}`;
    find("sample-body").replaceChildren(
      ...row.prompts.map((turns, i) => promptOf(turns, prompts > 1 ? `Prompt ${i + 1}` : "Prompt")),
      make("p", { class: "legend" }, ...words), make("div", { class: "answers" },
        ...row.cells.map((cell, run) => answerOf(cell, run, ranges[run] || [], prompts))));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    for (const one of dialog.querySelectorAll(".prompt pre")) one.scrollTop = one.scrollHeight; // the question is last
    if (push !== undefined) save(push);
  }
  function step(by) {
    const to = shown.indexOf(opened) + by;
    if (!shown[to]) return;
    state.page = Math.floor(to / PAGE) + 1;
    draw();
    openSample(shown[to], false);
  }
  function closed() {
    const at = shown.indexOf(opened) - (state.page - 1) * PAGE;
    (body.rows[at] || find("rows")).querySelector("button").focus();
    if (!location.hash.includes("open=")) return;
    state.open = "";
    if (history.state === "opened") history.back(); else save(false);
  }
  function move(by) {
    const buttons = [...body.querySelectorAll("button.open")], at = buttons.indexOf(document.activeElement);
    const next = buttons[at < 0 ? 0 : at + by];
    if (next) next.focus();
    else if (!(by < 0 ? before : after).disabled) turn(by);
  }
  function pressed(event) {
    const typing = event.target.closest("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || typing || keys.open) return;
    const arrows = body.contains(event.target) && { ArrowDown: () => move(1), ArrowUp: () => move(-1) };
    const table = { "/": () => form.elements.q.focus(), j: () => move(1), k: () => move(-1), ...arrows };
    const inDialog = { n: () => step(1), p: () => step(-1) };
    const act = { "?": () => keys.showModal(), ...(dialog.open ? inDialog : table) }[event.key];
    if (act) { event.preventDefault(); act(); }
  }
  const filter = (change, push) => {
    Object.assign(state, change, { page: 1 });
    choose();
    save(push);
  };
  for (const head of heads)
    makeSortable(head, columnOf(head) < "a", (down) => filter({ sort: (down ? "-" : "") + columnOf(head) }, true));
  form.addEventListener("input", ({ target }) => filter({ [target.name]: target.value }, target.name !== "q"));
  const buttons = { before: () => turn(-1), after: () => turn(1), "sample-before": () => step(-1),
    "sample-after": () => step(1), "sample-close": () => dialog.close(), "keys-button": () => keys.showModal() };
  for (const [id, act] of Object.entries(buttons)) find(id).addEventListener("click", act);
  dialog.addEventListener("close", closed);
  document.addEventListener("keydown", pressed);
  addEventListener("popstate", load);
  find("browser").hidden = false;
  choose();
  load();
  prepare([], 0);
  if (location.hash.startsWith("#samples")) find("samples").scrollIntoView();
}

if (find("records"))
  readRecords(find("records")).then(browseSamples, () =>
    find("browser").before(make("p", { class: "note" }, "Samples cannot be read: a damaged file, or an old browser.")));
