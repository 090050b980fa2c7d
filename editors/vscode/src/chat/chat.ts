// The chat as it is, whether its view is shown or not: asks the server, keeps what it told.

import { randomUUID } from "node:crypto";

import * as vscode from "vscode";

import type { Server } from "../client";
import type { Context, Range, Reply, Turn } from "../protocol";
import { Attachments } from "./attach";
import { editor, use } from "./blocks";
import { Conversation } from "./conversation";
import { type Asked, Going } from "./going";
import type { FromPage, Summary, ToPage } from "./protocol";

type Answered = readonly [reply: Reply, stored?: Turn];

export class Chat {
  private readonly conversation: Conversation;
  private readonly attached: Attachments;
  private readonly going = new Going();
  private conversations: readonly Summary[] = [];
  /** How many conversations somebody wanted to see. */
  private opened = 0;

  constructor(
    private readonly server: Server,
    private readonly tell: (message: ToPage) => void,
    private last: string | undefined,
    private readonly keep: (conversation: string | undefined) => void,
  ) {
    this.conversation = new Conversation(tell);
    this.attached = new Attachments(server, (chips) => {
      tell({ type: "chips", chips });
    });
    server.on("ds4/chat/delta", (delta) => {
      this.going.delta(delta);
      const { conversation } = this.conversation;
      this.conversation.delta(delta);
      if (this.conversation.conversation !== conversation) this.remember(this.conversation.conversation);
    });
    server.on("ds4/status", ({ what, phase, percent, message }) => {
      if (what !== "chat" || !this.conversation.running) return;
      const part = percent === undefined ? "" : ` ${Math.round(percent)} %`;
      tell({ type: "working", text: phase === "prefill" ? `Reading${part}` : (message ?? "") });
    });
    server.onState((state) => {
      if (state === "running") void this.told(() => this.began());
    });
  }

  async hear(message: FromPage): Promise<void> {
    await this.told(() => this.does(message));
  }

  /** All there is, for a page that has just been made. */
  all(): void {
    this.tell({ type: "show", shown: this.conversation.shown });
    this.tellConversations();
    this.tell({ type: "chips", chips: this.attached.chips });
  }

  /** `shown`: shows the page, where it is asked for from elsewhere. The focus moves with it, so what is meant is seen to first. */
  async attach(what: "selection" | "file" | "diagnostics", shown?: () => Promise<void>): Promise<void> {
    let why: string | undefined;
    try {
      why = this.attached.add(what, editor());
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    await shown?.();
    if (why) this.say(why);
  }

  private async does(message: FromPage): Promise<void> {
    switch (message.type) {
      case "ready":
        this.all();
        return;
      case "send":
        return this.ask(message.text, message.replaces);
      case "stop":
        this.going.stop(this.conversation.running);
        return;
      case "new":
        this.attached.keep();
        this.conversation.begin();
        this.remember(undefined);
        return this.list();
      case "open":
        return this.open(message.conversation);
      case "delete":
        return this.remove(message.conversation);
      case "attach":
        return this.attach(message.what);
      case "detach":
        this.attached.remove(message.id);
        return;
      case "again":
        this.attached.again(this.conversation.edit(message.index));
        return;
      case "keep":
        this.conversation.keep();
        this.attached.keep();
        return;
      default:
        return this.use(message.type, message.turn, message.block);
    }
  }

  private async ask(text: string, replaces?: number): Promise<void> {
    const { conversation } = this.conversation;
    const context = this.attached.take();
    const params = {
      text,
      context,
      ...(conversation !== undefined && { conversation }),
      ...(conversation !== undefined && replaces !== undefined && { replaces }),
    };
    const send = async (token: string, cancel: vscode.CancellationToken): Promise<Answered> => [
      await this.server.request("ds4/chat/send", { ...params, token }, cancel),
    ];
    // What is asked again is asked in a copy of the conversation.
    const asked = { conversation: replaces === undefined ? conversation : undefined, is: (turn: Turn) => turn.text === text };
    await this.answer(text, context, asked, send, replaces);
  }

  /** The lines, or without any the function or class there, in a new conversation. */
  async explain(uri: string, range: Range): Promise<void> {
    const { start, end } = range;
    const kind = start.line === end.line && start.character === end.character ? "symbol" : "selection";
    const send = async (token: string, cancel: vscode.CancellationToken): Promise<Answered> => {
      const reply = await this.server.request("ds4/explain", { textDocument: { uri }, range, token }, cancel);
      // What exactly was asked is the server's.
      const { turns } = await this.server.request("ds4/chat/get", { conversation: reply.conversation });
      return [reply, turns.at(-1)];
    };
    this.attached.keep();
    this.conversation.begin();
    const asked = { conversation: undefined, is: (turn: Turn) => turn.context.some((one) => one.uri === uri) };
    await this.told(() => this.answer("Explain this code.", [{ kind, uri, range }], asked, send));
  }

  private async answer(
    text: string,
    context: readonly Context[],
    asked: Asked,
    send: (token: string, cancel: vscode.CancellationToken) => Promise<Answered>,
    replaces?: number,
  ): Promise<void> {
    const token = randomUUID();
    const cancel = this.going.begin(token, asked);
    this.conversation.asked(token, text, context, replaces);
    try {
      const [reply, stored] = await send(token, cancel);
      if (this.conversation.answered(token, reply, stored)) this.remember(reply.conversation);
    } catch (error) {
      this.conversation.failed(token, error instanceof Error ? error.message : String(error));
    } finally {
      this.going.end(token);
    }
    await this.list();
  }

  private async open(conversation: string): Promise<void> {
    const opening = ++this.opened;
    const { epoch } = this.conversation;
    const stored = await this.server.request("ds4/chat/get", { conversation }).catch(async (error: unknown) => {
      // The page must not show it as chosen; it may be one that another window has deleted.
      await this.list();
      throw error;
    });
    // Who has gone on to another one meanwhile, or asked something, does not want this one any more.
    if (opening !== this.opened || epoch !== this.conversation.epoch) return;
    this.attached.keep();
    this.conversation.open(stored, this.going.of(conversation, stored.turns.at(-1)));
    this.remember(conversation);
  }

  private async remove(conversation: string): Promise<void> {
    const title = this.conversations.find((one) => one.conversation === conversation)?.title ?? "";
    const sure = { modal: true, detail: title };
    if ((await vscode.window.showWarningMessage("Delete this conversation?", sure, "Delete")) !== "Delete") return;
    await this.server.request("ds4/chat/delete", { conversation });
    if (this.conversation.conversation === conversation) {
      this.conversation.begin();
      this.remember(undefined);
    }
    await this.list();
  }

  private async use(type: "insert" | "copy" | "apply", turn: number, number: number): Promise<void> {
    const { conversation } = this.conversation;
    const block = this.conversation.block(turn, number);
    if (!block || conversation === undefined) throw new Error("This code is not known to the server.");
    this.say(await use(this.server, type, conversation, turn, block));
  }

  /** One that is new gets its name with the first answer. */
  private tellConversations(): void {
    const { conversations } = this;
    this.tell({ type: "conversations", conversations, shown: this.conversation.conversation });
  }

  private async list(): Promise<void> {
    this.conversations = await this.server.request("ds4/chat/list", {});
    this.tellConversations();
  }

  /** What a server that starts, in this window or a later one, goes on with. */
  private remember(conversation: string | undefined): void {
    this.last = conversation;
    this.keep(conversation);
  }

  /** The server has just started: go on with the conversation of the last time. */
  private async began(): Promise<void> {
    await this.list();
    const { last } = this;
    const known = this.conversations.some(({ conversation }) => conversation === last);
    if (last !== undefined && known && this.conversation.empty) await this.open(last);
  }

  private async told(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private say(text: string): void {
    this.tell({ type: "working", text });
    this.tell({ type: "said", text });
  }
}
