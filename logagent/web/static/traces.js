// The list of recent traces: newest first, one tab stop, Enter or a click opens.

import { byId, element, focusRow, place, roving } from "./dom.js";
import { clock, count, DASH, duration, money } from "./format.js";

const KEPT = 500;
const DRAWN = 100;
const FILTERS = {
  "": () => true,
  errors: (trace) => trace.failed || trace.errors > 0,
  llm: (trace) => trace.llm > 0,
  slow: (trace) => trace.duration > 1,
};
const HEAD = [["time", "time"], ["name", "name"], ["status", ""], ["duration", ""], ["✗", "wide"], ["LLM $", "wide"], ["db", "wide"]];

export class TraceList {
  constructor(open) {
    this.list = byId("trace-list");
    this.open = open;
    this.traces = new Map();
    this.only = "";
    this.selected = "";
    this.focused = "";
    this.list.addEventListener("click", (event) => this.choose(event.target.closest("[data-trace]")));
    this.list.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(document.activeElement.closest("[data-trace]")); }
    });
    roving(this.list, "[data-trace]", (row) => { this.focused = row.dataset.trace; });
    for (const button of document.querySelectorAll("[data-only]")) button.addEventListener("click", () => this.filter(button));
    this.draw();
  }

  clear() {
    this.traces.clear();
    this.draw();
  }

  update(changed) {
    for (const trace of changed) this.traces.set(trace.trace, trace);
    if (this.traces.size > KEPT) {
      const oldest = this.sorted().slice(KEPT);
      for (const trace of oldest) this.traces.delete(trace.trace);
    }
    this.draw();
  }

  sorted() {
    return [...this.traces.values()].sort((one, other) => other.start - one.start);
  }

  filter(button) {
    for (const each of document.querySelectorAll("[data-only]")) each.setAttribute("aria-pressed", String(each === button));
    this.only = button.dataset.only;
    this.draw();
  }

  choose(row) {
    if (!row) return;
    this.focused = row.dataset.trace;
    this.open(row.dataset.trace);
  }

  select(trace) {
    this.selected = trace;
    for (const row of this.list.querySelectorAll("[data-trace]")) row.setAttribute("aria-selected", String(row.dataset.trace === trace));
  }

  draw() {
    const all = this.sorted().filter(FILTERS[this.only]);
    const drawn = all.slice(0, DRAWN);
    const longest = Math.max(...drawn.map((trace) => trace.duration ?? 0), 0);
    const hadFocus = this.list.contains(document.activeElement);
    const scrolled = this.list.scrollTop;
    const anchor = scrolled > 40 ? this.anchor() : null;
    const rows = drawn.map((trace) => this.row(trace, longest));
    if (!rows.length) rows.push(element("p", { class: "empty", text: this.traces.size ? "None of the recent traces." : "No trace yet." }));
    const head = element("div", { class: "row head", "aria-hidden": "true" }, ...HEAD.map(([text, kind]) => element("span", { class: kind, text })));
    this.list.replaceChildren(head, ...rows);
    const current = rows.find((row) => row.dataset.trace === this.focused) ?? rows[0];
    if (current.dataset.trace) current.tabIndex = 0;
    this.list.scrollTop = anchor ? this.offset(anchor) : scrolled;
    if (hadFocus && current.dataset.trace) { current.focus({ preventScroll: true }); }
    byId("n-traces").textContent = all.length > DRAWN ? "newest " + DRAWN + " of " + count(all.length) : all.length ? count(all.length) : "";
  }

  // What is being read must not slide away when new traces come in above it.
  anchor() {
    const row = [...this.list.querySelectorAll("[data-trace]")].find((each) => each.offsetTop >= this.list.scrollTop);
    return row ? { trace: row.dataset.trace, below: row.offsetTop - this.list.scrollTop } : null;
  }

  offset({ trace, below }) {
    const row = this.list.querySelector('[data-trace="' + trace + '"]');
    return row ? row.offsetTop - below : this.list.scrollTop;
  }

  row(trace, longest) {
    const status = trace.status ?? DASH;
    const took = trace.duration === null ? "≥ no end" : duration(trace.duration);
    const bar = place(element("i", { class: trace.failed ? "failed" : "k-" + trace.kind }), { width: longest ? Math.max((100 * (trace.duration ?? 0)) / longest, 2) : 0 });
    const spoken = [trace.name, trace.failed ? "failed" : "", "status " + status, took, count(trace.spans) + " spans", clock(trace.start)];
    return element("div", {
      class: "row", role: "option", tabindex: "-1", "data-trace": trace.trace, "aria-selected": String(trace.trace === this.selected),
      "aria-label": spoken.filter(Boolean).join(", "),
    },
      element("span", { class: "time", text: clock(trace.start) }),
      element("span", { class: "name", text: trace.name, title: trace.name }),
      element("span", { class: trace.failed ? "bad" : status >= 400 ? "warn" : "", text: (trace.failed ? "✗ " : "") + (trace.failed && status === DASH ? "" : status) }),
      element("span", { class: "took" }, element("b", {}, bar), element("span", { text: took })),
      element("span", { class: "wide" + (trace.errors ? " bad" : " dim"), text: trace.errors ? "✗" + trace.errors : DASH }),
      element("span", { class: "wide" + (trace.llm ? "" : " dim"), text: trace.llm ? (trace.llm_cost === null ? "?" : money(trace.llm_cost)) : DASH }),
      element("span", { class: "wide" + (trace.queries ? "" : " dim"), text: trace.queries ? count(trace.queries) : DASH }));
  }

  focus() {
    const row = this.list.querySelector("[data-trace]");
    if (row) focusRow(this.list, "[data-trace]", row);
  }
}
