// Pieces of an answer on their way to the page: the first one goes at once, those that follow within a moment go
// together, because each message between the two processes costs as much as a hundred letters.

import type { ToPage } from "./protocol";

type Delta = Extract<ToPage, { type: "delta" }>;
const MOMENT_MS = 12;

export class Deltas {
  private waiting: Delta | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** The answer's first letter does not wait behind the reasoning's last. */
  private posted: Delta["kind"] | undefined;

  constructor(private readonly post: (message: ToPage) => void) {}

  send(message: ToPage): void {
    if (message.type !== "delta") {
      this.flush();
      this.post(message);
      return;
    }
    const { waiting } = this;
    const goesOn = waiting && waiting.kind === message.kind && waiting.index === message.index;
    if (waiting && !goesOn) this.flush();
    if (goesOn) this.waiting = { ...message, text: waiting.text + message.text };
    else if (this.timer && this.posted === message.kind) this.waiting = message;
    else {
      this.posted = message.kind;
      this.post(message);
      if (!this.timer) this.wait();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.timer = this.waiting = undefined;
  }

  private wait(): void {
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!this.waiting) return;
      this.flush();
      this.wait();
    }, MOMENT_MS);
  }

  private flush(): void {
    const message = this.waiting;
    this.waiting = undefined;
    if (!message) return;
    this.posted = message.kind;
    this.post(message);
  }
}
