// The conversation that is shown: what the server told of it, and what is being answered. Knows no editor.
//
// A question is known by its token until the answer is there: a server tells the first deltas of a new
// conversation before anyone knows its name. What comes for a question that is not shown any more is dropped;
// the server keeps it, and it is there when the conversation is opened again.

import type { Block, Context, Delta, Range, Reply, Requests } from "../protocol";
import type { Shown, ToPage, Turn } from "./protocol";

type Stored = Requests["ds4/chat/get"][1];
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** `context`: what the chips stand for. */
type Kept = Mutable<Turn> & { readonly context: readonly Context[] };

/** What has come of an answer until now, whether it is shown or not. */
export interface Coming {
  conversation?: string;
  text: string;
  reasoning: string;
}

const ELSEWHERE = "It is being answered in another window. Open it again when that is over.";

export class Conversation {
  private count = 0;
  private name: string | undefined;
  private title = "";
  private turns: Kept[] = [];
  private token: string | undefined;
  /** All turns as they were before a question took the place of some. */
  private before: readonly Kept[] | undefined;
  /** The turn that is to be asked again. */
  private editing: number | undefined;

  constructor(private readonly tell: (message: ToPage) => void) {}

  /** Another one for each conversation, or state of it, that is shown. */
  get epoch(): number {
    return this.count;
  }

  get conversation(): string | undefined {
    return this.name;
  }

  get empty(): boolean {
    return this.turns.length === 0;
  }

  /** The token of what is being answered. */
  get running(): string | undefined {
    return this.token;
  }

  get shown(): Shown {
    const { epoch, title, name, editing } = this;
    const turns = this.turns.map(forPage);
    return { epoch, turns, title, ...(name && { conversation: name }), ...(editing !== undefined && { editing }) };
  }

  begin(): void {
    this.show(undefined, "", []);
  }

  /** `running`: the token of its last question and what has come of the answer, if it is ours and goes on. */
  open(stored: Stored, running?: readonly [token: string, coming: Coming]): void {
    const turns = stored.turns.map(
      ({ turn, text, context, reasoning, reply, status, blocks }): Kept => ({
        turn,
        text,
        context: context ?? [],
        chips: (context ?? []).map(contextLabel),
        reasoning: reasoning ?? "",
        reply: reply ?? "",
        status,
        blocks: blocks ?? [],
      }),
    );
    const last = turns.at(-1);
    const [token, coming] = last?.status === "running" ? (running ?? []) : [];
    if (last && coming) Object.assign(last, { reply: coming.text, reasoning: coming.reasoning });
    else if (last?.status === "running") Object.assign(last, { status: "failed", why: ELSEWHERE });
    this.show(stored.conversation, stored.title, turns);
    this.token = token;
  }

  /** A question was asked. `replaces`: it and what follows is asked again. */
  asked(token: string, text: string, context: readonly Context[], replaces?: number): void {
    const at = replaces === undefined ? -1 : this.turns.findIndex(({ turn }) => turn === replaces);
    // What the server never came to know is not a part of the conversation.
    const known = this.turns.filter((one) => one.turn !== undefined);
    const kept = at < 0 ? known : known.slice(0, at);
    const chips = context.map(contextLabel);
    const replacing = at >= 0 && replaces !== undefined;
    const turn: Kept = {
      text,
      context,
      chips,
      reasoning: "",
      reply: "",
      status: "running",
      blocks: [],
      ...(replacing && { replaces }),
    };
    this.show(this.name, this.title || text, [...kept, turn]);
    this.token = token;
    if (replacing) this.before = known;
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

  /** `stored`: the turn as the server has it, where it was the server that put the question into words. */
  answered(token: string, answer: Reply, stored?: Stored["turns"][number]): boolean {
    if (token !== this.token) return false;
    this.name = answer.conversation;
    const { turn, status, text, blocks, usage } = answer;
    const asked = stored && { text: stored.text, context: stored.context, chips: stored.context.map(contextLabel) };
    this.end({ turn, status, reply: text, blocks, ...(usage && { usage }), ...asked });
    return true;
  }

  failed(token: string, why: string): boolean {
    if (token !== this.token) return false;
    const last = this.turns.at(-1);
    // What is asked again is asked in a copy; without an answer there is none, and the next question follows these.
    if (this.before && last && last.turn === undefined) this.show(this.name, this.title, [...this.before, last]);
    this.end({ status: "failed", why });
    return true;
  }

  block(turn: number, block: number): Block | undefined {
    return this.turns.find((one) => one.turn === turn)?.blocks.find((one) => one.block === block);
  }

  /** A question is going to be asked again. What it was about. */
  edit(index: number): readonly Context[] {
    const one = this.turns[index];
    this.editing = one?.turn ?? one?.replaces;
    return one?.context ?? [];
  }

  /** It stays as it was after all. */
  keep(): void {
    this.editing = undefined;
  }

  private end(change: Partial<Kept>): void {
    const index = this.turns.length - 1;
    const last = this.turns[index];
    this.token = undefined;
    if (!last) return;
    Object.assign(last, change);
    this.tell({ type: "turn", epoch: this.epoch, index, turn: forPage(last) });
  }

  private show(name: string | undefined, title: string, turns: readonly Kept[]): void {
    this.count++;
    this.name = name;
    this.title = title;
    this.token = undefined;
    this.before = this.editing = undefined;
    this.turns = turns.map((turn) => ({ ...turn }));
    this.tell({ type: "show", shown: this.shown });
  }
}

const KINDS: Readonly<Record<string, string>> = { selection: "selection of ", diagnostics: "problems of " };

function forPage({ context: _, ...turn }: Kept): Turn {
  return turn;
}

/** What a context is called, with its lines. */
export function contextLabel({ kind, uri, range }: Context): string {
  return chipLabel(kind, uri) + lines(range);
}

/** A last line of which nothing is in it does not count. */
export function lines(range: Range | undefined): string {
  if (!range) return "";
  const first = range.start.line + 1;
  const last = Math.max(first, range.end.line + (range.end.character > 0 ? 1 : 0));
  return last > first ? `:${first}-${last}` : `:${first}`;
}

/** A file is called by the last part of its uri. */
export function chipLabel(kind: string, uri: string): string {
  const name = uri.slice(uri.lastIndexOf("/") + 1);
  try {
    return (KINDS[kind] ?? "") + decodeURIComponent(name);
  } catch {
    return (KINDS[kind] ?? "") + name;
  }
}
