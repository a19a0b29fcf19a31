"use strict";
(() => {
  // Data are read, never run; every text goes into the page as text.
  const data = JSON.parse(document.getElementById("data").textContent);
  const [ID, FILE, AGENT, LANG, DATE, CHANNEL, SCORE, FAILED, VERDICTS, SERVED, TURNS, VOICED] = Array(12).keys();
  const [NUMBER, ROLE, SPEAKER, TLANG, TEXT, LABELS, START, SKIPPED, SOURCE] = Array(9).keys();
  const PAGE = 50, LONG = 3000, STATES = ["✗ missed", "✓ met", "– not applicable"];
  const $ = (id) => document.getElementById(id);
  const calls = data.calls, form = $("filters");
  const digits = (number) => number.toLocaleString("en");
  const words = (name) => plain(name.replaceAll("_", " "));
  let shown = [], page = 0, sort = { key: null, down: false }, open = -1;

  // what is not seen but changes how its neighbours are, written out
  function plain(text) {
    return String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g,
      (mark) => mark === "\r" ? "" : "⟨U+" + mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0") + "⟩");
  }
  // texts are compared without marks, cases and Arabic vowels
  function fold(text) {
    return text.normalize("NFKC").toLowerCase().replace(/[\u0640\u064b-\u0652\u0670\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff]/g, "")
      .replace(/[أإآٱ]/g, "ا").replace(/ى/g, "ي").replace(/ة/g, "ه");
  }
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") element.addEventListener("click", value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }
  const bdi = (text) => make("bdi", null, plain(text));
  const name = (call) => call[ID] === null ? call[TURNS][0][SOURCE] : call[ID];
  const language = (code) => data.languages[code] || code || "–";
  const performed = calls.map((call) => new Set(call[TURNS].filter((turn) => !call[SERVED] || turn[ROLE] === call[SERVED])
    .flatMap((turn) => turn[LABELS].map((label) => label[0]))));
  const missed = (call) => call[VERDICTS].flatMap((verdict, i) => verdict[0] === 0 && data.items[i][3] ? [i] : []);  // of what counts
  const folded = [];
  const textOf = (i) => folded[i] ??= fold(calls[i][TURNS].map((turn) => turn[TEXT]).join("\n") + "\n" + name(calls[i]));

  // ---------------------------------------------------------------------------------------------- filters
  function options(field, values) {
    const select = form.elements[field];
    for (const [value, label] of values) select.append(make("option", { value }, plain(label)));
    select.closest("label").hidden = values.length === 0;
  }
  const distinct = (at) => [...new Set(calls.map((call) => call[at]).filter((value) => value))].sort();
  options("lang", distinct(LANG).map((code) => [code, language(code)]));
  options("agent", distinct(AGENT).map((value) => [value, value]));
  options("channel", distinct(CHANNEL).map((value) => [value, value]));
  const behaviours = data.behaviours.map((value, i) => [i, value.replaceAll("_", " ")]);
  options("has", behaviours);
  options("lacks", behaviours);
  options("missed", data.items.map((item, i) => [i, item[1]]));

  const COLUMNS = [
    ["conversation", (call) => String(name(call))], ["agent", (call) => call[AGENT] || ""], ["language", (call) => language(call[LANG])],
    ["date", (call) => call[DATE] || ""], ["channel", (call) => call[CHANNEL] || ""], ["turns", (call) => call[TURNS].length],
    ["score", (call) => call[SCORE] === null ? 101 : call[SCORE]], ["missed", (call) => missed(call).length],
  ].filter(([title]) => !(title === "date" && !distinct(DATE).length) && !(title === "channel" && !distinct(CHANNEL).length));

  function filter() {
    const value = (field) => form.elements[field].value;
    const wanted = fold(value("text").trim()), low = value("low"), high = value("high");
    shown = [];
    for (let i = 0; i < calls.length; i++) {
      const call = calls[i];
      if (value("lang") && call[LANG] !== value("lang")) continue;
      if (value("agent") && call[AGENT] !== value("agent")) continue;
      if (value("channel") && call[CHANNEL] !== value("channel")) continue;
      if (value("has") && !performed[i].has(+value("has"))) continue;
      if (value("lacks") && performed[i].has(+value("lacks"))) continue;
      if (value("missed") && (!call[VERDICTS].length || call[VERDICTS][+value("missed")][0] !== 0)) continue;
      if ((low !== "" || high !== "") && (call[SCORE] === null || call[SCORE] < +(low || 0) || call[SCORE] > +(high === "" ? 100 : high))) continue;
      if (wanted && !textOf(i).includes(wanted)) continue;
      shown.push(i);
    }
    if (sort.key !== null) {
      const of = COLUMNS[sort.key][1], sign = sort.down ? -1 : 1;
      shown.sort((a, b) => sign * compare(of(calls[a]), of(calls[b])) || a - b);
    }
    page = 0;
    list();
  }
  const collator = new Intl.Collator(undefined, { numeric: true });
  const compare = (a, b) => typeof a === "number" ? a - b : collator.compare(a, b);

  function list() {
    const head = $("call-table").tHead.rows[0], first = page * PAGE, last = Math.min(first + PAGE, shown.length);
    head.replaceChildren(...COLUMNS.map(([title], i) => {
      const button = make("button", { type: "button", on: () => { sort = { key: i, down: sort.key === i && !sort.down }; filter(); $("call-table").tHead.rows[0].cells[i].firstChild.focus(); } }, title);
      const state = sort.key === i ? (sort.down ? "descending" : "ascending") : "none";
      return make("th", { scope: "col", "aria-sort": state, class: ["turns", "score"].includes(title) ? "n" : null }, button);
    }));
    $("call-table").tBodies[0].replaceChildren(...shown.slice(first, last).map((i) => row(i)));
    $("count").textContent = `${digits(shown.length)} of ${digits(calls.length)} conversations`;
    $("page").textContent = shown.length ? `${digits(first + 1)} to ${digits(last)} of ${digits(shown.length)}` : "none";
    $("before").disabled = page === 0;
    $("after").disabled = last >= shown.length;
  }
  function row(i) {
    const call = calls[i], wrong = missed(call);
    const cells = {
      conversation: make("th", { scope: "row" }, make("button", { type: "button", class: "link", on: () => go(i) }, bdi(name(call)))),
      agent: make("td", null, call[AGENT] ? bdi(call[AGENT]) : "–"),
      language: make("td", null, language(call[LANG])),
      date: make("td", null, call[DATE] || "–"),
      channel: make("td", null, call[CHANNEL] ? bdi(call[CHANNEL]) : "–"),
      turns: make("td", { class: "n" }, String(call[TURNS].length)),
      score: make("td", { class: "n" }, call[SCORE] === null ? "–" : String(Math.round(call[SCORE]))),
      missed: make("td", null, call[FAILED].length ? make("strong", { class: "v0" }, "failed ") : "", wrong.map((at) => words(data.items[at][0])).join(", ") || (call[SCORE] === null ? "" : "nothing")),
    };
    return make("tr", null, ...COLUMNS.map(([title]) => cells[title]));
  }

  // ------------------------------------------------------------------------------------------- transcript
  function go(i) { location.hash = `call-${i + 1}`; }
  function show(i, focus) {
    open = i;
    $("list").hidden = i >= 0;
    $("call").hidden = i < 0;
    document.body.classList.toggle("reading", i >= 0);  // then it alone is printed
    if (i < 0) return;
    const call = calls[i];
    $("h-call").replaceChildren("Conversation ", bdi(name(call)));
    const facts = [call[AGENT] ? ["agent ", bdi(call[AGENT])] : null, [language(call[LANG])], call[DATE] ? [call[DATE]] : null,
      call[CHANNEL] ? [bdi(call[CHANNEL])] : null, [`${call[TURNS].length} turns`], ["from ", bdi(call[TURNS][0][SOURCE])],
      [call[SCORE] === null ? "not scored" : `score ${Math.round(call[SCORE])}` + (call[FAILED].length ? " (failed a critical item)" : "")]];
    $("facts").replaceChildren(...facts.filter((fact) => fact).flatMap((fact, at) => at ? [" · ", ...fact] : fact));
    $("verdicts").replaceChildren(...(call[VERDICTS].length ? [verdicts(call)] : []));
    $("turns").replaceChildren(...call[TURNS].map((turn) => said(call, turn, call[VOICED][turn[NUMBER]])));
    const at = shown.indexOf(i);
    $("previous").disabled = at <= 0;
    $("next").disabled = at < 0 || at >= shown.length - 1;
    if (focus) { $("h-call").focus({ preventScroll: true }); $("call").scrollIntoView(); }
  }
  function verdicts(call) {
    const body = call[VERDICTS].map(([state, due, done, reason, evidence], at) => make("tr", null,
      make("th", { scope: "row" }, plain(data.items[at][1]), data.items[at][2] ? " (critical)" : "", data.items[at][3] ? "" : " (not counted)"),
      make("td", { class: `verdict v${state}` }, STATES[state]),
      make("td", null, plain(reason), due > 1 ? ` ${done} of ${due} opportunities answered` : ""),
      make("td", null, ...evidence.flatMap(([turn, shows], n) => [n ? ", " : "",
        make("button", { type: "button", class: "link", on: () => jump(turn) }, `turn ${turn}`), ` ${words(shows)}`]))));
    return make("table", null, make("caption", null, "Verdicts, and the turns they rest on"),
      make("thead", null, make("tr", null, ...["item", "verdict", "why", "turns"].map((title) => make("th", { scope: "col" }, title)))),
      make("tbody", null, ...body));
  }
  function jump(turn) {
    for (const item of $("turns").children) {
      item.classList.toggle("here", item.dataset.turn === String(turn));
      if (item.dataset.turn === String(turn)) { item.focus({ preventScroll: true }); item.scrollIntoView({ block: "center" }); }
    }
  }
  function clock(seconds) {
    const whole = Math.floor(seconds);
    return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((n) => String(n).padStart(2, "0")).join(":");
  }
  function said(call, turn, voiced) {
    const mine = call[SERVED] && turn[ROLE] === call[SERVED];
    const who = turn[SPEAKER] || turn[ROLE];
    const head = make("div", { class: "head" }, make("span", null, `${turn[NUMBER]}.`), make("b", null, bdi(who)),
      turn[SPEAKER] && turn[ROLE] !== "unknown" && turn[SPEAKER].toLowerCase() !== turn[ROLE] ? make("span", null, turn[ROLE]) : null,
      turn[START] !== null ? make("span", null, clock(turn[START])) : null,
      turn[TLANG] && turn[TLANG] !== call[LANG] ? make("span", null, language(turn[TLANG])) : null,
      turn[SKIPPED] ? make("span", null, "not labelled: ", bdi(turn[SKIPPED])) : null,
      voiced ? make("span", { class: "chip voiced" }, `voices a ${voiced.join(" and a ")}`) : null,
      ...turn[LABELS].map(([at, score]) => make("span", { class: "chip" }, make("span", { class: `code b${at % 10}`, "aria-hidden": "true" }, data.codes[at]), words(data.behaviours[at]),
        score === null ? null : make("small", { title: "probability" }, `${Math.min(99, Math.round(100 * score))} %`))));
    const body = make("p", { class: "said", dir: "auto", lang: turn[TLANG] || null }, ...marked(turn, LONG));
    const item = make("li", { class: (mine ? "mine" : "") + (turn[SKIPPED] ? " skipped" : ""), "data-turn": turn[NUMBER], tabindex: "-1" }, head, body);
    if (turn[TEXT].length > LONG) {
      const more = make("button", { type: "button", on: () => { body.replaceChildren(...marked(turn, Infinity)); more.remove(); } }, `Show all ${digits(turn[TEXT].length)} characters`);
      item.append(more);
    }
    return item;
  }
  // pieces of a turn's text; words that speak for labels are marked, with the labels' letters behind them
  function marked(turn, limit) {
    const text = turn[TEXT].slice(0, limit), spans = [];
    for (const [at, , edges] of turn[LABELS]) for (let k = 0; k < edges.length; k += 2) if (edges[k + 1] <= text.length) spans.push([edges[k], edges[k + 1], at]);
    const cuts = [...new Set([0, text.length, ...spans.flatMap(([start, end]) => [start, end])])].sort((a, b) => a - b);
    const pieces = [];
    for (let k = 0; k + 1 < cuts.length; k++) {
      const piece = plain(text.slice(cuts[k], cuts[k + 1]));
      const on = spans.filter(([start, end]) => start <= cuts[k] && end >= cuts[k + 1]);
      if (!on.length) { pieces.push(piece); continue; }
      const ends = on.filter(([, end]) => end === cuts[k + 1]);
      pieces.push(make("mark", { class: `b${on[0][2] % 10}`, title: on.map(([, , at]) => words(data.behaviours[at])).join(", ") }, piece,
        ...ends.map(([, , at]) => make("span", { class: `code b${at % 10}`, "aria-label": words(data.behaviours[at]), role: "note" }, data.codes[at]))));
    }
    return text.length < turn[TEXT].length ? [...pieces, "…"] : pieces;
  }

  // ----------------------------------------------------------------------------------------------- events
  let waiting;
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  form.addEventListener("submit", (event) => { event.preventDefault(); filter(); });
  form.addEventListener("reset", () => setTimeout(filter));
  const turnTo = (n) => { page = n; list(); $("h-calls").scrollIntoView(); };
  $("before").addEventListener("click", () => turnTo(page - 1));
  $("after").addEventListener("click", () => turnTo(page + 1));
  $("back").addEventListener("click", () => { const i = open; location.hash = "calls"; route(); const at = shown.indexOf(i); const button = at >= 0 && $("call-table").tBodies[0].rows[at % PAGE]?.querySelector("button"); if (button) button.focus(); });
  $("previous").addEventListener("click", () => go(shown[shown.indexOf(open) - 1]));
  $("next").addEventListener("click", () => go(shown[shown.indexOf(open) + 1]));
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && open >= 0) $("back").click(); });
  for (const button of document.querySelectorAll("[data-agent]")) button.addEventListener("click", () => {
    form.reset(); form.elements.agent.value = button.dataset.agent; location.hash = "calls"; setTimeout(() => { filter(); $("h-calls").scrollIntoView(); });
  });
  for (const table of document.querySelectorAll(".sortable")) for (const button of table.tHead.querySelectorAll("button")) button.addEventListener("click", () => {
    const head = button.parentElement, at = head.cellIndex, down = head.getAttribute("aria-sort") === "ascending";
    const value = (line) => line.cells[at].dataset.value ?? line.cells[at].textContent.trim().replaceAll(",", "");
    const lines = [...table.tBodies[0].rows].sort((a, b) => (down ? -1 : 1) * collator.compare(value(a), value(b)));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    table.tBodies[0].append(...lines);
  });
  function route() {
    const match = /^#call-(\d+)$/.exec(location.hash), i = match ? +match[1] - 1 : -1;
    if (match && calls[i]) show(i, true);
    else if (open >= 0) show(-1);
  }
  addEventListener("hashchange", route);
  filter();
  route();
  document.documentElement.dataset.ready = "yes";
})();
