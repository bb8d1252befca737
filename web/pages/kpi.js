/** The key figures of one-to-one help: a range, four ways to divide it, each figure with its definition, files to keep. */
import { KpiChart } from "./components/kpi-chart.js";
import { KpiTable } from "./components/kpi-table.js";
import "./components/language-switch.js";
import { Notice } from "./components/notice.js";
import { toast } from "./components/toast.js";
import { TokenForm } from "./components/token-form.js";
import { byId, make, setText } from "./dom.js";
import { codeOf, sentence, wayOut } from "./errors.js";
import { KpiRest } from "./kpi-rest.js";
import { BY, GROUPS, HEADLINES, addDays, asQuery, dayAt, isEmpty, presetOf, rangeProblem, readQuestion, valueOf } from "./kpi-view.js";
import { unitWord, written } from "./kpi-words.js";
import { failedNotice } from "./live-notice.js";
import { getLocale, onLocale, startLocale, t } from "./locale.js";
import { isDemo, TokenNeeded, TokenSource } from "./token.js";

/** @typedef {import("./kpi-view.js").Report} Report */

const GONE_MS = 10_000;

const tokens = new TokenSource("*", "supervisor");
const rest = new KpiRest(() => tokens.get());
const root = byId("root", HTMLElement);
const notice = byId("notice", Notice);
const tokenForm = byId("token", TokenForm);
const from = byId("from", HTMLInputElement);
const to = byId("to", HTMLInputElement);
const figurePick = byId("figure", HTMLSelectElement);
const chart = byId("chart", KpiChart);
const table = byId("table", KpiTable);
const csv = byId("csv", HTMLButtonElement);
const json = byId("json", HTMLButtonElement);

let question = readQuestion(location.search);
/** @type {Report | null} */
let report = null;
/** Days are the shop's, wherever the reader is: the server says where that is. */
let timezone = "";
const today = () => dayAt(Date.now(), timezone);
/** @type {{ code: string, message: string } | null} */
let failure = null;
let tokenNeeded = false;
/** The question that is being asked. @type {AbortController | null} */
let asking = null;
let figure = "asked";
/** @type {import("./kpi-view.js").Group} */
let group = "answer";
/** @type {string | null} the file that is being made */
let saving = null;

async function load() {
  asking?.abort();
  const own = new AbortController();
  asking = own;
  failure = null;
  tokenNeeded = false;
  history.replaceState(null, "", `?${asQuery(question)}${kept()}`);
  render();
  try {
    report = await rest.report(question, reader(), own.signal);
    timezone = report.timezone;
    if (question.to === "") {
      question = { ...question, from: report.from, to: report.to };
      [from.value, to.value] = [question.from, question.to];
      history.replaceState(null, "", `?${asQuery(question)}${kept()}`);
    }
  } catch (error) {
    if (asking === own) fail(error);
  }
  if (asking !== own) return;
  asking = null;
  render();
}

/** What else the address says stays there. */
function kept() {
  const query = new URLSearchParams(location.search);
  for (const name of ["from", "to", "by"]) query.delete(name);
  return query.size > 0 ? `&${query}` : "";
}

const reader = () => ({ locale: getLocale() });

/** @param {unknown} error */
function fail(error) {
  report = null;
  if (error instanceof TokenNeeded) {
    tokenNeeded = true;
    return;
  }
  failure = { code: codeOf(error), message: String(/** @type {{ message?: unknown }} */ (error)?.message ?? "") };
  if (wayOut(failure.code) !== "token") return;
  tokens.forget();
  tokenNeeded = !isDemo();
}

/** @param {"csv" | "json"} format */
async function save(format) {
  if (saving) return;
  saving = format;
  render();
  try {
    const { blob, name } = await rest.file(question, reader(), format);
    const url = URL.createObjectURL(blob);
    const link = make("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), GONE_MS);
    toast(t("kpi.saved", { name }), { kind: "good", replaces: "file" });
  } catch (error) {
    toast(sentence(codeOf(error), /** @type {Error} */ (error).message), { kind: "error", code: codeOf(error), replaces: "file" });
  }
  saving = null;
  render();
}

function render() {
  const loading = asking !== null;
  const wrong = question.to === "" ? null : rangeProblem(from.value, to.value);
  root.dataset.scene = tokenNeeded ? "token" : failure ? "failed" : report === null ? "loading" : isEmpty(report) ? "empty" : "report";
  root.toggleAttribute("aria-busy", loading);
  byId("range-problem", HTMLElement).hidden = wrong === null;
  setText(byId("range-problem", HTMLElement), wrong === "order" ? t("kpi.range_order") : wrong === "long" ? t("kpi.range_long") : t("kpi.range_missing"));
  renderChoices();
  tokenForm.hidden = !tokenNeeded;
  tokenForm.refusal = tokenNeeded && failure ? { text: sentence(failure.code, failure.message), code: failure.code } : null;
  const empty = report !== null && isEmpty(report);
  notice.show(words(loading, empty));
  byId("center", HTMLElement).hidden = !tokenNeeded && notice.hidden;
  byId("report", HTMLElement).hidden = report === null || empty;
  byId("report", HTMLElement).classList.toggle("old", loading);
  for (const [button, format] of /** @type {const} */ ([[csv, "csv"], [json, "json"]])) {
    button.disabled = report === null || saving !== null;
    button.setAttribute("aria-busy", String(saving === format));
  }
  document.title = `${t("kpi.title")} · ${t("brand")}`;
  if (report && !empty) renderReport(report);
  setText(byId("announce", HTMLElement), loading ? t("kpi.loading") : report ? (empty ? t("kpi.empty") : t("kpi.ready")) : "");
}

/** @param {boolean} loading @param {boolean} empty @returns {import("./components/notice.js").NoticeContent | null} */
function words(loading, empty) {
  if (tokenNeeded) return null;
  if (failure?.code === "forbidden") return { kind: "error", icon: "lock", title: t("kpi.refused"), body: t("kpi.refused_body"), code: failure.code, actions: [{ id: "retry", label: t("action.retry") }, { id: "home", label: t("action.home") }] };
  if (failure) return { ...failedNotice(failure), title: t("kpi.failed") };
  if (loading && !report) return { kind: "wait", title: t("kpi.loading") };
  return empty ? { kind: "info", icon: "chart", title: t("kpi.empty"), body: t("kpi.empty_body") } : null;
}

function renderChoices() {
  const preset = presetOf(question, today());
  for (const choice of byId("presets", HTMLElement).querySelectorAll("button")) {
    choice.setAttribute("aria-pressed", String(Number(choice.dataset.days) === preset));
  }
  for (const input of byId("by", HTMLElement).querySelectorAll("input")) input.checked = input.value === question.by;
  for (const input of byId("groups", HTMLElement).querySelectorAll("input")) input.checked = input.value === group;
  from.max = to.max = today();
}

/** @param {Report} shown */
function renderReport(shown) {
  const cards = byId("cards", HTMLElement);
  const headlines = HEADLINES.map((key) => shown.figures.find((entry) => entry.key === key)).filter((entry) => entry !== undefined);
  cards.replaceChildren(
    ...headlines.map(({ key, title, unit, formula }) => {
      const value = make("dd", "kpi-big number", written(valueOf(shown.total, key), unit));
      if (unitWord(unit)) value.append(make("span", "kpi-unit", unitWord(unit)));
      return make("div", "kpi-card", make("dt", "", title), value, make("dd", "kpi-formula", formula));
    }),
  );
  if (!shown.figures.some(({ key }) => key === figure)) figure = shown.figures[0]?.key ?? "";
  const options = shown.figures.map(({ key, title }) => new Option(title, key, false, key === figure));
  figurePick.replaceChildren(...options);
  const chosen = shown.figures.find(({ key }) => key === figure);
  if (chosen) {
    setText(byId("chart-formula", HTMLElement), chosen.formula);
    chart.show({ report: shown, figure: chosen });
  }
  table.show({ report: shown, group });
  byId("truncated", HTMLElement).hidden = !shown.truncated;
  setText(byId("zone", HTMLElement), t("kpi.zone", { zone: shown.timezone }));
}

/** The dates were changed by hand. */
function rangeChanged() {
  if (rangeProblem(from.value, to.value) === null) {
    question = { ...question, from: from.value, to: to.value };
    void load();
  } else render();
}

function listen() {
  from.addEventListener("change", rangeChanged);
  to.addEventListener("change", rangeChanged);
  byId("presets", HTMLElement).addEventListener("click", (event) => {
    const choice = event.target instanceof Element ? event.target.closest("button") : null;
    const days = Number(choice?.dataset.days);
    if (!days) return;
    question = { ...question, from: addDays(today(), 1 - days), to: today() };
    [from.value, to.value] = [question.from, question.to];
    void load();
  });
  byId("by", HTMLElement).addEventListener("change", (event) => {
    const by = BY.find((name) => name === /** @type {HTMLInputElement} */ (event.target).value);
    if (!by) return;
    question = { ...question, by };
    void load();
  });
  byId("groups", HTMLElement).addEventListener("change", (event) => {
    group = GROUPS.find((name) => name === /** @type {HTMLInputElement} */ (event.target).value) ?? group;
    render();
  });
  figurePick.addEventListener("change", () => {
    figure = figurePick.value;
    render();
  });
  csv.addEventListener("click", () => void save("csv"));
  json.addEventListener("click", () => void save("json"));
  tokenForm.addEventListener("token", (event) => {
    tokens.set(/** @type {CustomEvent<string>} */ (event).detail);
    void load();
  });
  notice.addEventListener("action", (event) => {
    if (/** @type {CustomEvent<string>} */ (event).detail === "home") location.assign("/");
    else void load();
  });
}

await startLocale();
[from.value, to.value] = [question.from, question.to];
listen();
// The definitions come in the reader's language.
onLocale(() => void load());
