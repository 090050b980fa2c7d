// Where questions are written. A draft outlives the page.

import type { FromPage, Turn } from "../protocol";
import { part } from "./elements";

export class Composer {
  private readonly question = part<HTMLTextAreaElement>("question");
  private readonly stop = part("stop");
  private readonly submit = part<HTMLButtonElement>("send");
  private readonly editing = part("editing");
  private replaces: number | undefined;
  private running = false;

  constructor(
    private readonly send: (message: FromPage) => void,
    private readonly keep: { load: () => string; save: (draft: string) => void },
  ) {
    this.question.value = keep.load();
    this.question.addEventListener("input", () => {
      keep.save(this.question.value);
    });
    this.question.addEventListener("keydown", (event) => {
      this.key(event);
    });
    part("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.ask();
    });
    this.stop.addEventListener("click", () => {
      send({ type: "stop" });
    });
    part("keep").addEventListener("click", () => {
      this.edits(undefined);
      this.put("");
      send({ type: "keep" });
    });
    document.querySelectorAll<HTMLElement>("[data-attach]").forEach((one) => {
      one.addEventListener("click", () => {
        send({ type: "attach", what: one.dataset["attach"] as "selection" | "file" | "diagnostics" });
      });
    });
    document.addEventListener("keydown", (event) => {
      // While a word is being composed, Escape gives that up.
      if (event.key === "Escape" && this.running && !event.isComposing) send({ type: "stop" });
    });
  }

  focus(): void {
    this.question.focus();
  }

  put(text: string): void {
    this.question.value = text;
    this.keep.save(text);
    this.focus();
  }

  /** Ask a question again; its text is the draft. */
  edit({ turn, replaces, text }: Turn): void {
    this.edits(turn ?? replaces);
    this.put(text);
  }

  /** Another conversation, or another state of it, is shown; `editing`: the turn that the draft is to replace. */
  reset(editing: number | undefined): void {
    this.edits(editing);
  }

  runs(running: boolean): void {
    const leaves = this.running && !running && document.activeElement === this.stop;
    this.running = running;
    this.stop.hidden = !running;
    this.submit.disabled = running;
    if (leaves) this.focus();
  }

  private edits(turn: number | undefined): void {
    this.replaces = turn;
    this.editing.hidden = turn === undefined;
  }

  private key(event: KeyboardEvent): void {
    // While a word is being composed, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.ask();
  }

  private ask(): void {
    const text = this.question.value;
    if (!text.trim() || this.running) return;
    const replaces = this.replaces;
    this.send({ type: "send", text, ...(replaces !== undefined && { replaces }) });
    this.put("");
  }
}
