// One trace: its spans on a common time axis, and everything about the chosen span.

import { byId, element, focusRow, place, roving } from "./dom.js";
import { clock, count, duration, level, money } from "./format.js";

const KINDS = ["request", "llm", "query"];
const SPANS = 400;

export class Waterfall {
  constructor() {
    this.body = byId("trace-body");
    this.trace = null;
  }

  message(text) {
    this.trace = null;
    this.body.replaceChildren(element("p", { class: "empty", text }));
  }

  show(trace) {
    const chosen = this.trace?.trace === trace.trace ? this.chosen : null;
    this.trace = trace;
    const spans = trace.tree.slice(0, SPANS);
    const rows = spans.map((span, index) => this.row(span, index));
    this.tree = element("div", { class: "tree", role: "tree", "aria-label": "Spans" }, ...rows);
    const unseen = trace.tree.length - spans.length + trace.hidden;
    if (unseen > 0) this.tree.append(element("p", { class: "empty", text: count(unseen) + " more spans are not shown" }));
    this.details = element("div", { class: "details", tabindex: "0", role: "region", "aria-label": "Details of the chosen span" });
    this.body.replaceChildren(this.facts(trace), this.axis(trace.length), this.tree, this.details);
    this.tree.addEventListener("click", (event) => this.choose(event.target.closest(".span")));
    roving(this.tree, ".span", (row) => this.choose(row));
    this.tree.addEventListener("keydown", (event) => { if (event.key === "e" || event.key === "E") this.nextError(event.key === "e" ? 1 : -1); });
    const first = spans.findIndex((span) => span.span === chosen);
    this.choose(rows[Math.max(first, 0)], false);
  }

  facts(trace) {
    const parts = [
      element("strong", { text: trace.name }),
      trace.failed || trace.errors ? element("span", { class: "bad", text: "✗ " + [trace.failed ? (trace.status ?? "failed") : null, trace.errors ? trace.errors + " inside" : null].filter(Boolean).join(" · ") }) : element("span", { text: trace.status ?? "" }),
      element("span", { text: duration(trace.length) }),
      element("span", { class: "dim", text: count(trace.spans) + (trace.spans === 1 ? " span" : " spans") }),
      trace.llm ? element("span", { class: "dim", text: trace.llm_cost === null ? "? unpriced" : money(trace.llm_cost) }) : null,
      element("span", { class: "dim", text: trace.service + " · " + clock(trace.origin, true) }),
      element("code", { text: trace.id, title: "trace " + trace.trace }),
    ];
    const legend = element("span", { class: "legend", "aria-hidden": "true" }, ...KINDS.map((kind) => element("span", {}, element("i", { class: "k-" + kind }), kind)));
    return element("div", { class: "facts" }, ...parts.filter((part) => part && part.textContent), legend);
  }

  axis(length) {
    const ticks = [0, 25, 50, 75, 100].map((at) => place(element("i", { text: at ? duration((length * at) / 100) : "0" }), { left: at }));
    return element("div", { class: "axis", "aria-hidden": "true" }, element("span"), element("div", {}, ...ticks));
  }

  row(span, index) {
    const length = this.trace.length || 1;
    const left = (100 * span.start) / length;
    const width = Math.max((100 * span.duration) / length, 0.2);
    const took = (span.incomplete ? "≥ " : "") + duration(span.duration);
    const kind = KINDS.includes(span.kind) ? span.kind : "step";
    const bar = place(element("i", { class: "k-" + kind + (span.failed ? " failed" : "") + (span.incomplete ? " open" : "") }), { left, width });
    const end = left + width;
    const label = element("em", { text: (span.failed ? "✗ " : "") + took, class: (span.failed ? "bad " : "") + (end > 82 ? (width > 22 ? "inside" : "left") : "") });
    place(label, { left: end > 82 ? left : end });
    if (end > 82 && width > 22) label.classList.remove("bad");
    const dots = span.events.slice(0, 20).map((event) => place(element("u"), { left: (100 * Math.min(Math.max(event.time, 0), length)) / length }));
    const name = element("span", { class: "label", title: span.name }, element("span", { text: span.name }));
    name.style.setProperty("padding-left", Math.min(span.depth, 12) * 14 + "px");
    if (span.failed) name.append(element("span", { class: "bad", text: "  ✗" }));
    const spoken = [span.name, span.kind, took, "starts at " + duration(span.start), span.failed ? "error" : "", span.incomplete ? "no end seen" : ""];
    return element("div", {
      class: "span", role: "treeitem", tabindex: "-1", "data-index": index, "aria-level": span.depth + 1, "aria-selected": "false",
      "aria-label": spoken.filter(Boolean).join(", "),
    }, name, element("div", { class: "lane", "aria-hidden": "true" }, bar, ...dots, label));
  }

  choose(row, focus = true) {
    if (!row) return;
    for (const each of this.tree.querySelectorAll(".span")) {
      each.setAttribute("aria-selected", String(each === row));
      each.tabIndex = each === row ? 0 : -1;
    }
    if (focus) focusRow(this.tree, ".span", row);
    const span = this.trace.tree[Number(row.dataset.index)];
    this.chosen = span.span;
    this.describe(span);
  }

  nextError(step) {
    const spans = this.trace.tree.slice(0, SPANS);
    const at = spans.findIndex((span) => span.span === this.chosen);
    for (let moved = 1; moved <= spans.length; moved += 1) {
      const index = (at + step * moved + spans.length * moved) % spans.length;
      if (spans[index].failed) { this.choose(this.tree.children[index]); return; }
    }
  }

  describe(span) {
    const facts = { kind: span.kind, id: span.id, parent: span.depth || span.parent !== "none" ? span.parent : "none (top of the trace)" };
    const parts = [
      element("h3", {}, element("span", { class: span.failed ? "bad" : "", text: (span.failed ? "✗ " : "") + span.name })),
      element("p", { class: "dim", text: [(span.incomplete ? "≥ " : "") + duration(span.duration), "starts at " + duration(span.start), span.service, span.incomplete ? "no end seen" : ""].filter(Boolean).join(" · ") }),
    ];
    if (span.message) parts.push(element("pre", { class: "bad", text: "✗ " + span.message }));
    parts.push(pairs({ ...facts, ...span.attributes }));
    if (span.events.length) parts.push(element("h4", { text: span.events.length === 1 ? "Event" : "Events" }), ...span.events.map(eventLine));
    if (span.hidden_events) parts.push(element("p", { class: "dim", text: count(span.hidden_events) + " more events are not kept" }));
    const records = this.trace.records;
    if (records.length) parts.push(element("h4", { text: "Log lines of the trace" }), ...records.map(recordLine));
    this.details.replaceChildren(...parts);
    this.details.scrollTop = 0;
  }
}

function pairs(values) {
  return element("dl", {}, ...Object.entries(values).flatMap(([key, value]) => [element("dt", { text: key }), element("dd", { text: value })]));
}

function eventLine(event) {
  const made = element("div", {}, element("code", { text: duration(event.time) + "  " + event.name }));
  if (Object.keys(event.attributes).length) made.append(pairs(event.attributes));
  return made;
}

function recordLine(record) {
  return element("pre", { class: record.severity >= 17 ? "bad" : record.severity >= 13 ? "warn" : "", text: clock(record.time, true) + " " + level(record.severity) + (record.severity >= 17 ? " ✗ " : " ") + record.body });
}
