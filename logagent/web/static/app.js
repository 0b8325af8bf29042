// Wires the page: one stream in, four parts that draw, and the chosen trace in the address.

import { byId } from "./dom.js";
import { LiveStream } from "./live.js";
import { LogPane } from "./logs.js";
import { drawLost, drawOverview } from "./overview.js";
import { TraceList } from "./traces.js";
import { Waterfall } from "./waterfall.js";

const waterfall = new Waterfall();
const list = new TraceList((trace) => { open(trace, true); history.pushState(null, "", "/t/" + trace); });
const logs = new LogPane((severity) => stream.setSeverity(severity));
let chosenByReader = false;

async function open(trace, byReader) {
  chosenByReader = chosenByReader || byReader;
  list.select(trace);
  let answer;
  try {
    answer = await fetch("/api/trace/" + encodeURIComponent(trace));
  } catch {
    waterfall.message("The agent is out of reach.");
    return;
  }
  if (list.selected !== trace) return;
  if (!answer.ok) {
    waterfall.message("This trace is no longer among the latest ones, which are kept in memory. Try: logagent explain " + trace);
    return;
  }
  const detail = await answer.json();
  if (list.selected !== trace) return;
  list.select(detail.trace);
  waterfall.show(detail);
  if (byReader) {
    byId("spoken").textContent = "Trace opened: " + detail.name;
    if (matchMedia("(max-width: 1020px)").matches) byId("trace").scrollIntoView();
  }
}

function openFromAddress() {
  const match = location.pathname.match(/^\/t\/(.+)$/);
  if (match) open(decodeURIComponent(match[1]), true);
}

// Something to look at from the start: the latest request that did most.
function openInteresting(traces) {
  const whole = traces.filter((trace) => trace.kind === "request" && trace.duration !== null);
  const best = whole.slice(0, 20).sort((one, other) => other.spans - one.spans || other.start - one.start)[0];
  if (best && best.spans > 1) {
    chosenByReader = true;
    open(best.trace, false);
  }
}

addEventListener("popstate", openFromAddress);
openFromAddress();

const stream = new LiveStream({
  reset: () => { list.clear(); logs.clear(); },
  overview: drawOverview,
  traces: (traces) => {
    list.update(traces);
    if (!chosenByReader) openInteresting(list.sorted());
    const changed = traces.some((trace) => trace.trace === list.selected && trace.spans !== waterfall.trace?.spans);
    if (changed && waterfall.trace) open(list.selected, false);
  },
  records: (batch) => logs.add(batch),
  lost: drawLost,
});
