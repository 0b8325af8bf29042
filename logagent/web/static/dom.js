// Elements from data. Text only ever becomes text: nothing here reads markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") made.className = value;
    else if (name === "text") made.textContent = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// Width or place of a bar in percent, through the CSSOM: inline style text is forbidden by the page's policy.
export function place(made, { left, width }) {
  if (left !== undefined) made.style.setProperty("left", left + "%");
  if (width !== undefined) made.style.setProperty("width", width + "%");
  return made;
}

// One tab stop for a list; arrows, Home and End move in it.
export function roving(list, selector, moved) {
  list.addEventListener("keydown", (event) => {
    const rows = [...list.querySelectorAll(selector)];
    const at = rows.indexOf(document.activeElement);
    if (at < 0) return;
    const to = { ArrowDown: at + 1, j: at + 1, ArrowUp: at - 1, k: at - 1, Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: at - 10 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = rows[Math.min(Math.max(to, 0), rows.length - 1)];
    focusRow(list, selector, next);
    if (moved) moved(next);
  });
}

export function focusRow(list, selector, row) {
  for (const each of list.querySelectorAll(selector + '[tabindex="0"]')) each.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
}
