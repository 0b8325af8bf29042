// Numbers and times for people. What is not known is a dash, never a zero.

export const DASH = "–";
const whole = new Intl.NumberFormat("en-US");
const known = (value) => typeof value === "number" && Number.isFinite(value);

export function count(value) {
  return known(value) ? whole.format(Math.round(value)) : DASH;
}

export function short(value) {
  if (!known(value)) return DASH;
  if (value < 10000) return count(value);
  const [unit, size] = value < 1e6 ? ["k", 1e3] : value < 1e9 ? ["M", 1e6] : ["G", 1e9];
  const scaled = value / size;
  return scaled.toFixed(scaled < 100 ? 1 : 0) + " " + unit;
}

export function money(value) {
  if (!known(value)) return DASH;
  if (value === 0) return "$0";
  const digits = value < 0.1 ? 4 : 2;
  return "$" + value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function duration(seconds) {
  if (!known(seconds)) return DASH;
  if (seconds === 0) return "0 s";
  if (seconds < 0.0005) return Math.round(seconds * 1e6) + " µs";
  if (seconds < 0.0995) return (seconds * 1e3).toFixed(seconds < 0.00995 ? 1 : 0) + " ms";
  if (seconds < 0.9995) return Math.round(seconds * 1e3) + " ms";
  if (seconds < 99.5) return seconds.toFixed(seconds < 9.995 ? 2 : 1) + " s";
  return span(seconds);
}

export function span(seconds) {
  if (!known(seconds)) return DASH;
  const s = Math.max(Math.round(seconds), 0);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + pad(s % 60) + " s";
  if (s < 86400) return Math.floor(s / 3600) + " h " + pad(Math.floor((s % 3600) / 60)) + " min";
  return Math.floor(s / 86400) + " d " + pad(Math.floor((s % 86400) / 3600)) + " h";
}

export function bytes(value) {
  if (!known(value)) return DASH;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return value.toFixed(unit && value < 100 ? 1 : 0) + " " + units[unit];
}

export function clock(unixSeconds, millis = false) {
  if (!known(unixSeconds)) return DASH;
  const date = new Date(unixSeconds * 1000);
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":");
  return millis ? text + "." + String(date.getMilliseconds()).padStart(3, "0") : text;
}

export function share(part, of) {
  return known(part) && known(of) && of > 0 ? ((100 * part) / of).toFixed(part > 0 && part / of < 0.1 ? 1 : 0) + " %" : DASH;
}

export const LEVELS = [[21, "FTL"], [17, "ERR"], [13, "WRN"], [9, "INF"], [5, "DBG"], [1, "TRC"]];

export function level(severity) {
  const found = LEVELS.find(([least]) => severity >= least);
  return found ? found[1] : "·";
}

function pad(number) {
  return String(number).padStart(2, "0");
}
