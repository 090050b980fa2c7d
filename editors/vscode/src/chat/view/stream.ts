// Markdown that is still being written, as elements that are made once.
//
// Text is parsed by lines. A block of the top level is over when a complete line has begun the next one;
// from then on neither its text nor its elements are looked at again. Only the last block is made anew with
// each frame, and not even that where it is code: its lines are appended. What a text looks like in the end
// is decided by the text alone, not by the pieces in which it came.
//
// A block that grows beyond HUGE is shown as it is, in lines; until it is over it is looked at again only
// whenever it has grown by a quarter, so that the work stays in proportion to the text.

import { Code } from "./code";
import { Plain, plain } from "./plain";
import { type Group, groups, language, render } from "./tokens";
import { Visible } from "./visible";

const HUGE = 30_000;
/** Characters: what a held-up process sends at once is shown in several frames. */
const PER_FRAME = 1500;

interface Fence {
  readonly code: Code;
  readonly close: RegExp;
  readonly indent: RegExp;
}

export class Stream {
  /** All blocks of code, in order; complete after `end`. */
  readonly codes: Code[] = [];
  private readonly visible = new Visible();
  private queued = "";
  private tail = "";
  private fence: Fence | undefined;
  private provisional: ChildNode[] = [];
  private huge: { readonly shown: Plain; length: number; parsed: number } | undefined;

  /** `finished` is told of each block that is over. */
  constructor(
    private readonly root: HTMLElement,
    private readonly finished: (block: Node) => void = () => undefined,
  ) {}

  feed(piece: string): void {
    this.queued += piece;
  }

  /** Show what has come, so much that a frame has time for it; whether that was all. */
  draw(): boolean {
    const piece = this.queued.slice(0, PER_FRAME);
    this.queued = this.queued.slice(PER_FRAME);
    this.tail += this.visible.feed(piece);
    if (this.huge && this.tail.length < this.huge.parsed * 1.25) this.grow(this.huge);
    else this.advance(false);
    return this.queued === "";
  }

  end(): void {
    this.tail += this.visible.feed(this.queued) + this.visible.end();
    this.queued = "";
    this.advance(true);
  }

  private advance(final: boolean): void {
    for (;;) {
      if (this.fence && !this.code(this.fence, final)) return;
      const whole = final ? this.tail : this.tail.slice(0, this.tail.lastIndexOf("\n") + 1);
      const found = groups(whole);
      const last = found.at(-1);
      if (!last) break;
      const begin = starts(whole, found);
      const fence = !final && last.tokens[0]?.type === "fence" ? last : undefined;
      const over = final ? found.length : found.length - 1;
      if (over > 0 || fence) this.clear();
      found.slice(0, over).forEach((group, n) => {
        this.commit(group, whole.slice(begin[n], begin[n + 1]));
      });
      this.tail = this.tail.slice(begin[over]);
      if (!fence) break;
      this.openFence(fence);
    }
    if (!final) this.show();
    else this.clear();
  }

  private commit(group: Group, text: string): void {
    const nodes = this.made(group, text, (code) => this.codes.push(code));
    this.root.append(...nodes);
    nodes.forEach(this.finished);
  }

  private made(group: Group, text: string, codes: (code: Code) => void): Node[] {
    return text.length > HUGE ? [plain("div", text.trimEnd())] : render(group.tokens, codes);
  }

  private openFence({ tokens: [token] }: Group): void {
    if (!token) return;
    const at = this.tail.indexOf("\n");
    const line = at < 0 ? this.tail : this.tail.slice(0, at);
    const indent = line.length - line.trimStart().length;
    const sign = token.markup.charAt(0);
    this.tail = at < 0 ? "" : this.tail.slice(at + 1);
    this.fence = {
      code: new Code(language(token), true),
      close: new RegExp(`^ {0,3}${sign}{${token.markup.length},}[ \\t]*$`),
      indent: new RegExp(`^ {0,${indent}}`),
    };
    this.codes.push(this.fence.code);
    this.root.append(this.fence.code.figure);
  }

  /** Whether the block is over. */
  private code({ code, close, indent }: Fence, final: boolean): boolean {
    let from = 0;
    let over = false;
    for (let at = this.tail.indexOf("\n"); at >= 0 && !over; at = this.tail.indexOf("\n", from)) {
      const line = this.tail.slice(from, at);
      from = at + 1;
      over = close.test(line);
      if (!over) code.line(line.replace(indent, ""));
    }
    this.tail = this.tail.slice(from);
    if (!over && final) {
      if (this.tail && !close.test(this.tail)) code.line(this.tail.replace(indent, ""));
      this.tail = "";
      over = true;
    }
    // A line that may become the fence's end is not code yet.
    code.writing(over || /^ {0,3}[`~]+[ \t]*$/.test(this.tail) ? "" : this.tail.replace(indent, ""));
    if (over) this.fence = undefined;
    if (over) this.finished(code.figure);
    return over;
  }

  private show(): void {
    if (this.huge) {
      this.huge.parsed = this.tail.length;
      this.grow(this.huge);
      return;
    }
    this.clear();
    if (this.tail.length > HUGE) {
      const element = plain("div", "");
      element.replaceChildren();
      this.huge = { shown: new Plain(element), length: 0, parsed: this.tail.length };
      this.provisional = [element];
      this.root.append(element);
      this.grow(this.huge);
      return;
    }
    const found = groups(this.tail);
    const begin = starts(this.tail, found);
    const nodes = found.flatMap((group, n) =>
      this.made(group, this.tail.slice(begin[n], begin[n + 1]), () => undefined),
    );
    this.provisional = nodes as ChildNode[];
    this.root.append(...nodes);
  }

  private grow(huge: NonNullable<typeof this.huge>): void {
    huge.shown.append(this.tail.slice(huge.length));
    huge.length = this.tail.length;
  }

  private clear(): void {
    for (const node of this.provisional) node.remove();
    this.provisional = [];
    this.huge = undefined;
  }
}

/** Where each group begins in the text, and where the last one ends. */
function starts(text: string, found: readonly Group[]): number[] {
  const begin: number[] = [];
  let line = 0;
  let at = 0;
  for (const group of found) {
    for (; line < group.line; line++) at = text.indexOf("\n", at) + 1;
    begin.push(at);
  }
  return [...begin, text.length];
}
