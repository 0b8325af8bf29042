// The live log: newest at the bottom, pauses when one scrolls up, says what it does not show.

import { byId, element } from "./dom.js";
import { clock, count, level } from "./format.js";

const KEPT = 500;

export class LogPane {
  constructor(severityChanged) {
    this.log = byId("log");
    this.pauseButton = byId("pause");
    this.newest = byId("newest");
    this.paused = false;
    this.following = true;
    this.waiting = [];
    this.missed = 0;
    this.pauseButton.addEventListener("click", () => this.pause(!this.paused));
    this.newest.addEventListener("click", () => { this.pause(false); this.follow(); });
    this.log.addEventListener("scroll", () => this.scrolled());
    this.log.addEventListener("keydown", (event) => { if (event.key === " ") { event.preventDefault(); this.pause(!this.paused); } });
    byId("level").addEventListener("change", (event) => { this.clear(); severityChanged(Number(event.target.value)); });
  }

  clear() {
    this.waiting = [];
    this.missed = 0;
    this.log.replaceChildren(element("p", { class: "empty", text: "No log line yet." }));
    this.tell();
  }

  pause(paused) {
    this.paused = paused;
    this.pauseButton.setAttribute("aria-pressed", String(paused));
    this.pauseButton.textContent = paused ? "Resume" : "Pause";
    if (!paused) this.flush();
    this.tell();
  }

  add({ records, missed }) {
    this.missed += missed;
    if (missed) this.waiting.push({ gap: missed });
    this.waiting.push(...records);
    if (this.waiting.length > 2 * KEPT) {
      const cut = this.waiting.splice(0, this.waiting.length - KEPT);
      this.waiting.unshift({ gap: cut.reduce((sum, each) => sum + (each.gap ?? 1), 0) });
    }
    if (!this.paused && this.following) this.flush();
    this.tell();
  }

  flush() {
    if (!this.waiting.length) return;
    if (this.log.firstElementChild?.classList.contains("empty")) this.log.replaceChildren();
    this.log.append(...this.waiting.map(line));
    this.waiting = [];
    while (this.log.children.length > KEPT) this.log.firstElementChild.remove();
    if (this.following) this.follow();
  }

  follow() {
    this.following = true;
    this.flush();
    this.log.scrollTop = this.log.scrollHeight;
    this.tell();
  }

  scrolled() {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 30;
    if (atEnd === this.following) return;
    this.following = atEnd;
    if (atEnd && !this.paused) this.flush();
    this.tell();
  }

  tell() {
    const lines = this.waiting.reduce((sum, each) => sum + (each.gap ?? 1), 0);
    const bad = this.waiting.filter((each) => each.severity >= 17).length;
    this.newest.hidden = !lines;
    this.newest.textContent = "↓ " + count(lines) + " new" + (bad ? " · ✗ " + count(bad) : "");
    const state = this.paused ? "paused" : this.following ? "live" : "scrolled up";
    byId("n-logs").textContent = state + (this.missed ? " · " + count(this.missed) + " lines not shown, all are counted" : "");
  }
}

function line(record) {
  if (record.gap) return element("div", { class: "line gap", text: "── " + count(record.gap) + " lines not shown ──" });
  const tone = record.severity >= 17 ? "bad" : record.severity >= 13 ? "warn" : "dim";
  const made = element("div", { class: "line" },
    element("span", { class: "dim", text: clock(record.time, true) }),
    element("span", { class: tone, title: record.level || undefined, text: level(record.severity) }),
    element("span", { text: record.logger.split(".").slice(-1)[0] || source(record.source), title: [record.logger, record.source].filter(Boolean).join(" · ") }),
    element("span", { class: tone === "dim" ? "" : tone, text: (record.severity >= 17 ? "✗ " : "") + record.body }));
  if (record.exception) {
    const last = record.exception.trimEnd().split("\n").pop();
    made.append(element("details", {}, element("summary", { text: last }), element("span", { text: record.exception })));
  }
  return made;
}

function source(path) {
  return path.split("/").pop();
}
