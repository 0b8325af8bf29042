// The one event stream of the page: closed while nobody looks, resumed where it was.

const RETRY_MILLISECONDS = 2000;

export class LiveStream {
  constructor(handlers) {
    this.handlers = handlers;
    this.cursor = "";
    this.severity = 0;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", () => this.open());
    this.open();
  }

  setSeverity(severity) {
    this.severity = severity;
    this.cursor = "";
    this.close();
    this.open();
  }

  open() {
    if (this.source || document.hidden) return;
    clearTimeout(this.retry);
    const query = new URLSearchParams({ severity: String(this.severity), after: this.cursor });
    const source = new EventSource("/api/live?" + query);
    this.source = source;
    for (const [name, handle] of Object.entries(this.handlers)) {
      if (name === "lost") continue;
      source.addEventListener(name, (event) => {
        if (event.lastEventId) this.cursor = event.lastEventId;
        handle(JSON.parse(event.data));
      });
    }
    source.addEventListener("error", () => {
      this.handlers.lost();
      this.close();
      this.retry = setTimeout(() => this.open(), RETRY_MILLISECONDS);
    });
  }

  close() {
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
  }
}
