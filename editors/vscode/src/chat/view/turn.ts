// A question and its answer.

import type { FromPage, Kind, Turn } from "../protocol";
import { button, labelled } from "./elements";
import { Plain } from "./plain";
import { Stream } from "./stream";
import { visible } from "./visible";

const ENDS: Readonly<Record<Turn["status"], string>> = {
  running: "",
  completed: "",
  cancelled: "Stopped; what had come is kept.",
  limit: "The answer reached its limit and is not complete.",
  failed: "There was no answer.",
};

export interface Wishes {
  readonly send: (message: FromPage) => void;
  readonly edit: (turn: Turn) => void;
  readonly say: (text: string) => void;
}

export class TurnView {
  readonly element = labelled("article", "Question and answer");
  private readonly question = document.createElement("div");
  private readonly reasoning = document.createElement("details");
  private readonly thoughts = document.createElement("div");
  private readonly reply = document.createElement("div");
  private readonly foot = document.createElement("p");
  private stream: Stream;
  private readonly thought: Plain;
  private fed = "";
  private dirty = false;
  private over: (() => void) | undefined;

  constructor(
    private turn: Turn,
    private readonly wishes: Wishes,
  ) {
    const summary = document.createElement("summary");
    summary.textContent = "Reasoning";
    this.thoughts.className = "thoughts";
    this.thoughts.dir = "auto";
    this.reasoning.append(summary, this.thoughts);
    this.reasoning.hidden = true;
    this.question.className = "question";
    this.reply.className = "reply";
    this.foot.className = "foot";
    this.element.append(this.question, this.reasoning, this.reply, this.foot);
    this.stream = this.newStream();
    this.thought = new Plain(this.thoughts);
    this.ask();
    this.add("reasoning", turn.reasoning);
    this.add("text", turn.reply);
    if (turn.status !== "running") this.finish(turn);
  }

  add(kind: Kind, text: string): void {
    if (!text) return;
    this.dirty = true;
    if (kind === "text") {
      this.fed += text;
      this.stream.feed(text);
    } else {
      this.reasoning.hidden = false;
      this.thought.append(visible(text));
    }
  }

  /** Whether all that has come is shown. */
  draw(): boolean {
    if (this.dirty) this.dirty = !this.stream.draw();
    if (!this.dirty) this.over?.();
    return !this.dirty;
  }

  /** It is over; `turn` is all of it. `done` once what has come is shown. */
  end(turn: Turn, done: () => void): void {
    if (turn.reply !== this.fed) this.again(turn.reply);
    this.over = () => {
      this.finish(turn);
      done();
    };
  }

  private finish(turn: Turn): void {
    this.over = undefined;
    // The last block is over only now; who hears the page is told of it if the others were told.
    this.stream.end();
    this.turn = turn;
    this.dirty = false;
    this.ask();
    this.tools();
    this.foot.textContent = visible(
      [turn.why ?? ENDS[turn.status], usage(turn)].filter((text) => text !== "").join(" "),
    );
    this.foot.classList.toggle("failed", turn.status === "failed");
  }

  /** The answer is not what came by pieces. */
  private again(reply: string): void {
    this.reply.replaceChildren();
    this.stream = this.newStream();
    this.fed = "";
    this.add("text", reply);
  }

  private newStream(): Stream {
    return new Stream(this.reply, (block) => {
      if (this.turn.status === "running") this.wishes.say(block.textContent ?? "");
    });
  }

  private ask(): void {
    const text = document.createElement("div");
    text.className = "asked";
    text.dir = "auto";
    new Plain(text).append(visible(this.turn.text));
    this.question.replaceChildren(text);
    if (this.turn.chips.length > 0) {
      const chips = labelled("ul", "About");
      chips.className = "chips";
      for (const chip of this.turn.chips) {
        const item = document.createElement("li");
        item.textContent = visible(chip);
        chips.append(item);
      }
      this.question.append(chips);
    }
    if (this.turn.status === "running") return;
    const edit = button("Edit and ask again", () => {
      this.wishes.edit(this.turn);
    });
    this.question.append(edit);
  }

  /** What can be done with each block that the server knows as one; both count them in the same order. */
  private tools(): void {
    const { turn, blocks } = this.turn;
    if (turn === undefined) return;
    const rest = [...blocks];
    for (const code of this.stream.codes.filter(({ fenced }) => fenced)) {
      const at = rest.findIndex(({ text }) => same(visible(text), code.text));
      const found = rest[at];
      if (!found) continue;
      rest.splice(0, at + 1);
      const does = (type: "copy" | "insert" | "apply", label: string, title: string): HTMLButtonElement => {
        const made = button(label, () => {
          this.wishes.send({ type, turn, block: found.block });
        });
        made.title = title;
        return made;
      };
      code.head.append(
        does("copy", "Copy", "Copy the code"),
        does("insert", "Insert", "Insert the code at the cursor"),
        does("apply", "Apply", "Apply the code to the file, after a look at the differences"),
      );
    }
  }
}

const same = (a: string, b: string): boolean => a.trimEnd() === b.trimEnd();

function usage({ usage }: Turn): string {
  if (!usage) return "";
  const { promptTokens, cachedTokens = 0, completionTokens, rereadTokens, cause } = usage;
  const reread = rereadTokens > 0 ? `, ${rereadTokens} read again${cause ? ` (${cause})` : ""}` : "";
  return `${promptTokens} tokens read, ${cachedTokens} of them cached${reread}; ${completionTokens} written.`;
}
