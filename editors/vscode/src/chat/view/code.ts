// A block of code: its lines, coloured as they become complete. `language` and `text` are what is shown.

import { highlight, type Open } from "./highlight";
import { Plain } from "./plain";

const LONGEST = 2000;

export class Code {
  readonly figure = document.createElement("figure");
  readonly head = document.createElement("figcaption");
  private readonly lines = document.createElement("code");
  private readonly pieces: string[] = [];
  private open: Open;
  private partial: { readonly shown: Plain; text: string } | undefined;

  constructor(
    readonly language: string,
    readonly fenced: boolean,
  ) {
    const pre = document.createElement("pre");
    const label = document.createElement("span");
    label.className = "language";
    label.textContent = language;
    this.figure.className = "code";
    this.head.append(label);
    pre.tabIndex = 0;
    pre.dir = "ltr";
    pre.setAttribute("role", "group");
    pre.setAttribute("aria-label", language ? `Code, ${language}` : "Code");
    pre.append(this.lines);
    this.figure.append(this.head, pre);
  }

  get text(): string {
    return this.pieces.join("");
  }

  line(text: string): void {
    this.partial?.shown.element.remove();
    this.partial = undefined;
    this.pieces.push(text, "\n");
    if (text.length > LONGEST) {
      this.open = undefined;
      new Plain(this.lines).append(`${text}\n`.slice(0, -1));
      return;
    }
    const [pieces, open] = highlight(text, this.language, this.open);
    this.open = open;
    const line = document.createElement("span");
    line.className = "line";
    for (const [kind, piece] of pieces) line.append(kind === "text" ? piece : span(kind, piece));
    line.append("\n");
    this.lines.append(line);
  }

  /** The line that is being written. */
  writing(text: string): void {
    if (this.partial && !text.startsWith(this.partial.text)) {
      this.partial.shown.element.remove();
      this.partial = undefined;
    }
    if (!text) return;
    if (!this.partial) {
      const element = document.createElement("span");
      this.lines.append(element);
      this.partial = { shown: new Plain(element), text: "" };
    }
    this.partial.shown.append(text.slice(this.partial.text.length));
    this.partial.text = text;
  }
}

/** All of it at once. */
export function code(text: string, language: string, fenced: boolean): Code {
  const made = new Code(language, fenced);
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) made.line(line);
  return made;
}

function span(kind: string, text: string): HTMLElement {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}
