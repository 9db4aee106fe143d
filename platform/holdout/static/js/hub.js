// One connection for all modules of a page: called like live.js's connect(), by as many as like.
import { connect as open } from "./live.js";

const hubs = new Map(); // address of a stream -> its hub

class Hub {
  constructor(options) {
    this.ears = new Set();
    this.state = "";
    const on = new Proxy({}, { get: (_, name) => (data) => this.tell(name, data) });
    this.stream = open({ ...options, on, poll: () => this.each((ear) => ear.poll?.()) });
  }

  add(ear) {
    this.ears.add(ear);
    if (this.state) ear.on.state?.(this.state);
  }

  // A promise, so that a reset is repeated until everybody has what was missed.
  each(act) {
    return Promise.all([...this.ears].map(act));
  }

  tell(name, data) {
    if (name === "state") this.state = data;
    return this.each((ear) => ear.on[name]?.(data));
  }
}

export function connect({ url, cursor, on, poll }) {
  if (!hubs.has(url)) hubs.set(url, new Hub({ url, cursor }));
  const hub = hubs.get(url);
  const ear = { on, poll };
  hub.add(ear);
  return { close: () => hub.ears.delete(ear) };
}
