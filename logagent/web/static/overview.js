// Health, totals, tables, alerts and budgets: what the server tells once a second.

import { byId, element, place } from "./dom.js";
import { bytes, count, DASH, duration, money, share, short, span } from "./format.js";

const TOTALS = [
  ["Log lines", "lines", count], ["Requests", "requests", count], ["LLM calls", "llm_calls", count], ["Queries", "queries", count],
  ["Errors", "errors", count], ["LLM cost", "cost_usd", money], ["Alerts firing", "alerts_firing", count],
];
const HINTS = {
  errors: "Exceptions and failed calls that the log tells of, each counted once however many spans it took down. A 4xx is the client's error and not counted here.",
};
const SUM = "Input and output tokens together: the log does not tell them apart.";
const FAILED = "Ended by an exception or with a 5xx status. A 4xx is the client's error and not counted here.";
const TIMES = [{ head: "p50", show: (row) => duration(row.p50), wide: true }, { head: "p95", show: (row) => duration(row.p95) }];
const ERRORS = { head: "errors", show: errors, hint: FAILED };
const COUNT = { head: "count", show: (row) => count(row.count) };
const CLIENT = { head: "4xx", show: (row) => count(row.client_errors), hint: "Refused with a 4xx status: the client's error, and none of the service.", wide: true };
const TABLES = {
  request: { first: "endpoint", none: "No request seen yet.", columns: () => [COUNT, ...TIMES, CLIENT, ERRORS] },
  llm: { first: "model", none: "No LLM call seen yet.", columns: (rows) => [{ head: "calls", show: COUNT.show }, ...tokens(rows), { head: "cost", show: cost }, ...TIMES, ERRORS] },
  query: { first: "operation and table", none: "No query seen yet.", columns: () => [COUNT, ...TIMES, ERRORS] },
};
const shown = new Map();

// Draws a part only when its data changed, so that a selection in it survives.
function whenChanged(name, data, draw) {
  const text = JSON.stringify(data);
  if (shown.get(name) === text) return;
  shown.set(name, text);
  draw();
}

export function drawOverview(data) {
  whenChanged("health", [data.health, data.ready], () => drawHealth(data.health, data.ready));
  whenChanged("totals", data.totals, () => drawTotals(data.totals));
  for (const kind of Object.keys(TABLES)) whenChanged(kind, data[kind], () => drawTable(kind, data[kind]));
  whenChanged("alerts", [data.alerts, Math.floor(data.now / 5)], () => drawAlerts(data.alerts, data.now));
  whenChanged("budgets", data.budgets, () => drawBudgets(data.budgets, data.now));
  whenChanged("slos", data.slos, () => drawSlos(data.slos));
  byId("n-alerts").textContent = data.alerts.length ? data.alerts.filter((alert) => alert.state === "firing").length + " firing" : "none firing";
}

export function drawHealth(health, ready) {
  const ok = health.status === "ok" && ready;
  byId("health").className = "health " + (ok ? "ok" : "warn");
  const receivers = health.receivers ?? [];
  const lags = receivers.map((receiver) => receiver.lag_seconds).filter((lag) => typeof lag === "number");
  const behind = receivers.map((receiver) => receiver.lag_bytes).filter((lag) => typeof lag === "number");
  const waiting = (health.exporters ?? []).reduce((sum, exporter) => sum + (exporter.items ?? 0), 0);
  const parts = [ok ? "healthy" : ready ? health.status : "starting"];
  if (lags.length) parts.push("lag " + duration(Math.max(...lags)));
  else if (behind.length) parts.push("behind " + bytes(Math.max(...behind)));
  if (waiting) parts.push(count(waiting) + " to deliver");
  if (health.uptime_seconds !== undefined) parts.push("up " + span(health.uptime_seconds));
  byId("health-text").textContent = byId("health-text").title = parts.join(" · ");
}

export function drawLost() {
  byId("health").className = "health bad";
  byId("health-text").textContent = "✗ agent out of reach, trying again …";
  shown.delete("health");
}

function drawTotals(totals) {
  byId("totals").replaceChildren(...TOTALS.map(([title, key, show]) => {
    const value = totals[key];
    const bad = value > 0 && (key === "errors" || key === "alerts_firing");
    const figure = element("dd", { class: bad ? "bad" : "", text: (bad ? "✗ " : "") + show(value) });
    if (key === "lines" && totals.dropped > 0) figure.append(element("small", { text: "  " + count(totals.dropped) + " dropped" }));
    return element("div", { title: HINTS[key] }, element("dt", { text: title }), figure);
  }));
}

function drawTable(kind, { rows, keys }) {
  const { first, none } = TABLES[kind];
  const columns = TABLES[kind].columns(rows);
  const wide = (column) => (column.wide ? "wide" : undefined);
  const head = element("tr", {}, element("th", { scope: "col", text: first }), ...columns.map((column) => element("th", { scope: "col", class: wide(column), text: column.head, title: column.hint })));
  const body = rows.map((row) => element("tr", {}, element("td", { text: row.key, title: row.key }), ...columns.map((column) => {
    const text = column.show(row);
    const tone = text === DASH ? " none" : text.startsWith("✗") ? " bad" : "";
    return element("td", { class: (wide(column) ?? "") + tone, text, title: text.startsWith("Σ") ? SUM : undefined });
  })));
  if (!rows.length) body.push(element("tr", {}, element("td", { class: "dim", colspan: columns.length + 1, text: none })));
  byId("t-" + kind).replaceChildren(element("thead", {}, head), element("tbody", {}, ...body));
  byId("n-" + kind).textContent = keys > rows.length ? "top " + rows.length + " of " + count(keys) : "";
}

// Where no call tells input from output, one column of sums says so in its head.
function tokens(rows) {
  const apart = rows.some((row) => row.input_tokens !== undefined || row.output_tokens !== undefined);
  const sums = rows.some((row) => row.total_tokens !== undefined);
  if (sums && !apart) return [{ head: "Σ tokens", show: (row) => short(row.total_tokens), hint: SUM, wide: true }];
  return [{ head: "tokens in", show: tokensIn, wide: true }, { head: "out", show: (row) => short(row.output_tokens), wide: true }];
}

function errors(row) {
  return row.errors ? "✗ " + count(row.errors) + " · " + share(row.errors, row.count) : row.count ? "0" : DASH;
}

function tokensIn(row) {
  if (row.input_tokens === undefined && row.total_tokens !== undefined) return "Σ " + short(row.total_tokens);
  return short(row.input_tokens);
}

function cost(row) {
  const unpriced = row.unpriced && row.unpriced > row.errors ? " ?" : "";
  return money(row.cost_usd) + (row.cost_usd === undefined ? "" : unpriced);
}

function drawAlerts(alerts, now) {
  byId("alerts").replaceChildren(...alerts.map((alert) => {
    const firing = alert.state === "firing";
    const labels = Object.entries(alert.labels ?? {}).map(([name, value]) => name + "=" + value).join("  ");
    return element("li", {},
      element("span", { class: firing ? "bad" : "warn", text: firing ? "✗ firing" : "⚠ " + alert.state }),
      element("div", {}, element("p", { text: alert.summary || alert.name }), element("p", { class: "dim", text: (alert.name + "  " + labels).trim() })),
      element("span", { class: "dim", text: alert.starts_unix_nano ? span(now - alert.starts_unix_nano / 1e9) : DASH }));
  }));
  if (!alerts.length) byId("alerts").append(element("li", {}, element("span", { class: "dim", text: "No alert." })));
}

function expected(budget, name) {
  const low = budget[name + "_low_usd"], high = budget[name + "_high_usd"];
  const range = typeof low === "number" && typeof high === "number" ? " (" + money(low) + " to " + money(high) + ")" : "";
  return money(budget[name + "_usd"]) + range;
}

function drawBudgets(budgets, now) {
  byId("budgets").replaceChildren(...budgets.map((budget) => {
    const part = budget.limit_usd > 0 && typeof budget.spent_usd === "number" ? budget.spent_usd / budget.limit_usd : null;
    const fill = place(element("i"), { width: Math.min(100 * (part ?? 0), 100) });
    const tone = part === null ? "" : part >= 1 ? " over" : part >= 0.9 ? " near" : "";
    const more = [];
    if (typeof budget.projected_usd === "number") more.push("projected " + expected(budget, "projected"));
    if (typeof budget.forecast_30d_usd === "number") more.push("next 30 days " + expected(budget, "forecast_30d"));
    if (budget.forecast_note) more.push(budget.forecast_note);
    if (budget.resets_unix_nano) more.push("resets in " + span(budget.resets_unix_nano / 1e9 - now));
    return element("div", { class: "budget" },
      element("span", { text: [budget.name, budget.group].filter(Boolean).join(" · ") }),
      element("span", { class: part >= 1 ? "bad" : "", text: (part >= 1 ? "✗ " : "") + money(budget.spent_usd) + " of " + money(budget.limit_usd) + " · " + share(budget.spent_usd, budget.limit_usd) }),
      element("div", { class: "meter" + tone, role: "img", "aria-label": share(budget.spent_usd, budget.limit_usd) + " spent" }, fill),
      element("span", { class: "dim", text: more.join(" · ") }),
      element("span", { class: "dim", text: budget.period ? "per " + budget.period : "" }));
  }));
}

function drawSlos(slos) {
  byId("slos").replaceChildren(...slos.map((slo) => {
    const left = typeof slo.budget_left === "number" ? Math.max(slo.budget_left, 0) : null;
    const fill = place(element("i"), { width: 100 * (left ?? 0) });
    const tone = left === null ? "" : left <= 0 ? " over" : left <= 0.1 ? " near" : "";
    const rates = Object.entries(slo.burn_rates).filter(([, rate]) => rate > 1).map(([window, rate]) => window + " " + rate.toFixed(1) + "×");
    return element("div", { class: "budget" },
      element("span", { text: [slo.name, slo.group, slo.objective + " %"].filter(Boolean).join(" · ") }),
      element("span", { class: left === 0 ? "bad" : "", text: left === null ? DASH : (left === 0 ? "✗ " : "") + share(left, 1) + " of the error budget left" }),
      element("div", { class: "meter" + tone, role: "img", "aria-label": left === null ? "no events" : share(left, 1) + " of the error budget left" }, fill),
      element("span", { class: "dim", text: count(slo.bad) + " bad of " + count(slo.valid) + (rates.length ? " · burns " + rates.join(", ") : "") }),
      element("span", { class: "dim", text: slo.period }));
  }));
}
