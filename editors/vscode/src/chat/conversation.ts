// The conversation that is shown: what the server told of it, and what is being answered. Knows no editor.
//
// A question is known by its token until the answer is there: a server tells the first deltas of a new
// conversation before anyone knows its name. What comes for a question that is not shown any more is dropped;
// the server keeps it, and it is there when the conversation is opened again.

import type { Block, Delta, Reply, Requests } from "../protocol";
import type { Shown, ToPage, Turn } from "./protocol";

type Stored = Requests["ds4/chat/get"][1];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Conversation {
  private epoch = 0;
  private name: string | undefined;
  private title = "";
  private turns: Mutable<Turn>[] = [];
  private token: string | undefined;

  constructor(private readonly tell: (message: ToPage) => void) {}

  get conversation(): string | undefined {
    return this.name;
  }

  /** The token of what is being answered. */
  get running(): string | undefined {
    return this.token;
  }

  get shown(): Shown {
    const turns = this.turns.map((turn) => ({ ...turn }));
    return { epoch: this.epoch, turns, title: this.title, ...(this.name && { conversation: this.name }) };
  }

  begin(): void {
    this.show(undefined, "", []);
  }

  open(stored: Stored): void {
    const turns = stored.turns.map(
      ({ turn, text, context, reasoning, reply, status, blocks }): Turn => ({
        turn,
        text,
        chips: (context ?? []).map(({ kind, uri }) => chipLabel(kind, uri)),
        reasoning: reasoning ?? "",
        reply: reply ?? "",
        status,
        blocks: blocks ?? [],
      }),
    );
    this.show(stored.conversation, stored.title, turns);
  }

  /** A question was asked. `replaces`: it and what follows is asked again. */
  asked(token: string, text: string, chips: readonly string[], replaces?: number): void {
    const at = replaces === undefined ? -1 : this.turns.findIndex(({ turn }) => turn === replaces);
    // What the server never came to know is not a part of the conversation.
    const kept = (at < 0 ? this.turns : this.turns.slice(0, at)).filter((one) => one.turn !== undefined);
    const turn: Turn = { text, chips, reasoning: "", reply: "", status: "running", blocks: [] };
    this.show(this.name, this.title || text, [...kept, turn]);
    this.token = token;
  }

  delta({ conversation, turn, kind, text, token }: Delta): void {
    const last = this.turns.at(-1);
    if (!last || token === undefined || token !== this.token) return;
    this.name = conversation;
    last.turn = turn;
    if (kind === "text") last.reply += text;
    else last.reasoning += text;
    this.tell({ type: "delta", epoch: this.epoch, index: this.turns.length - 1, kind, text });
  }

  answered(token: string, answer: Reply): boolean {
    if (token !== this.token) return false;
    this.name = answer.conversation;
    const { turn, status, text, blocks, usage } = answer;
    this.end({ turn, status, reply: text, blocks, ...(usage && { usage }) });
    return true;
  }

  failed(token: string, why: string): boolean {
    if (token !== this.token) return false;
    this.end({ status: "failed", why });
    return true;
  }

  block(turn: number, block: number): Block | undefined {
    return this.turns.find((one) => one.turn === turn)?.blocks.find((one) => one.block === block);
  }

  private end(change: Partial<Turn>): void {
    const index = this.turns.length - 1;
    const last = this.turns[index];
    this.token = undefined;
    if (!last) return;
    Object.assign(last, change);
    this.tell({ type: "turn", epoch: this.epoch, index, turn: { ...last } });
  }

  private show(name: string | undefined, title: string, turns: readonly Turn[]): void {
    this.epoch++;
    this.name = name;
    this.title = title;
    this.token = undefined;
    this.turns = turns.map((turn) => ({ ...turn }));
    this.tell({ type: "show", shown: this.shown });
  }
}

const KINDS: Readonly<Record<string, string>> = { selection: "selection of ", diagnostics: "problems of " };

/** What a context is called: a file by the last part of its uri. */
export function chipLabel(kind: string, uri: string): string {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  try {
    return (KINDS[kind] ?? "") + decodeURIComponent(name);
  } catch {
    return (KINDS[kind] ?? "") + name;
  }
}
