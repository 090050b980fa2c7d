// The chat as it is, whether its view is shown or not: asks the server, keeps what it told.

import { randomUUID } from "node:crypto";

import type * as vscode from "vscode";

import type { Server } from "../client";
import type { Context, Range, Reply, Turn } from "../protocol";
import { Attachments } from "./attach";
import { editor, use } from "./blocks";
import { Conversation } from "./conversation";
import { Conversations } from "./conversations";
import { type Asked, Going } from "./going";
import type { FromPage, ToPage } from "./protocol";

type Answered = readonly [reply: Reply, stored?: Turn];

export class Chat {
  private readonly conversation: Conversation;
  private readonly attached: Attachments;
  private readonly going = new Going();
  private readonly conversations: Conversations;

  constructor(
    private readonly server: Server,
    private readonly tell: (message: ToPage) => void,
    last: string | undefined,
    keep: (conversation: string | undefined) => void,
  ) {
    const conversation = new Conversation(tell);
    this.conversation = conversation;
    this.attached = new Attachments(server, (chips) => {
      tell({ type: "chips", chips });
    });
    const leave = (): void => {
      this.attached.keep();
    };
    this.conversations = new Conversations(server, conversation, this.going, tell, leave, last, keep);
    server.on("ds4/chat/delta", (delta) => {
      this.going.delta(delta);
      const before = conversation.conversation;
      conversation.delta(delta);
      if (conversation.conversation !== before) this.conversations.remember(conversation.conversation);
    });
    server.on("ds4/status", ({ what, phase, percent, message }) => {
      if (what !== "chat" || !conversation.running) return;
      const part = percent === undefined ? "" : ` ${Math.round(percent)} %`;
      tell({ type: "working", text: phase === "prefill" ? `Reading${part}` : (message ?? "") });
    });
    server.onState((state) => {
      if (state === "running") void this.told(() => this.conversations.goOn());
    });
  }

  async hear(message: FromPage): Promise<void> {
    await this.told(() => this.does(message));
  }

  /** All there is, for a page that has just been made. */
  all(): void {
    this.tell({ type: "show", shown: this.conversation.shown });
    this.conversations.show();
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
        this.conversations.begin();
        return this.conversations.list();
      case "open":
        return this.conversations.open(message.conversation);
      case "delete":
        return this.conversations.remove(message.conversation);
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
      if (this.conversation.answered(token, reply, stored)) this.conversations.remember(reply.conversation);
    } catch (error) {
      this.conversation.failed(token, error instanceof Error ? error.message : String(error));
    } finally {
      this.going.end(token);
    }
    await this.conversations.list();
  }

  private async use(type: "insert" | "copy" | "apply", turn: number, number: number): Promise<void> {
    const { conversation } = this.conversation;
    const block = this.conversation.block(turn, number);
    if (!block || conversation === undefined) throw new Error("This code is not known to the server.");
    this.say(await use(this.server, type, conversation, turn, block));
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
