// The chat as it is, whether its view is shown or not: asks the server, keeps what it told.

import { randomUUID } from "node:crypto";

import * as vscode from "vscode";

import type { Server } from "../client";
import { Attachments } from "./attach";
import { apply, editor, insert } from "./blocks";
import { Conversation } from "./conversation";
import type { FromPage, Summary, ToPage } from "./protocol";

export class Chat {
  private readonly conversation: Conversation;
  private readonly attached: Attachments;
  private cancel: vscode.CancellationTokenSource | undefined;
  private conversations: readonly Summary[] = [];

  constructor(
    private readonly server: Server,
    private readonly tell: (message: ToPage) => void,
    last: string | undefined,
    private readonly remember: (conversation: string | undefined) => void,
  ) {
    this.conversation = new Conversation(tell);
    this.attached = new Attachments(server, (chips) => {
      tell({ type: "chips", chips });
    });
    server.on("ds4/chat/delta", (delta) => {
      this.conversation.delta(delta);
    });
    server.on("ds4/status", ({ what, phase, percent, message }) => {
      if (what !== "chat" || !this.conversation.running) return;
      const part = percent === undefined ? "" : ` ${Math.round(percent)} %`;
      tell({ type: "working", text: phase === "prefill" ? `Reading${part}` : (message ?? "") });
    });
    server.onState((state) => {
      if (state === "running") void this.began(last);
    });
  }

  get shown(): boolean {
    return this.conversation.shown.turns.length > 0;
  }

  async hear(message: FromPage): Promise<void> {
    try {
      await this.does(message);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  /** All there is, for a page that has just been made. */
  all(): void {
    this.tell({ type: "show", shown: this.conversation.shown });
    this.tellConversations();
    this.tell({ type: "chips", chips: this.attached.chips });
  }

  async attach(what: "selection" | "file" | "diagnostics"): Promise<void> {
    const why = this.attached.add(what, editor());
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
        this.cancel?.cancel();
        return;
      case "new":
        this.conversation.begin();
        this.remember(undefined);
        return;
      case "open":
        return this.open(message.conversation);
      case "delete":
        return this.remove(message.conversation);
      case "attach":
        return this.attach(message.what);
      case "detach":
        this.attached.remove(message.id);
        return;
      default:
        return this.use(message.type, message.turn, message.block);
    }
  }

  private async ask(text: string, replaces?: number): Promise<void> {
    const { conversation } = this.conversation;
    const before = this.conversation.running ? this.cancel : undefined;
    before?.cancel();
    const token = randomUUID();
    const { contexts, labels } = this.attached.take();
    const cancel = (this.cancel = new vscode.CancellationTokenSource());
    this.conversation.asked(token, text, labels, replaces);
    const params = {
      text,
      token,
      context: contexts,
      ...(conversation !== undefined && { conversation }),
      ...(conversation !== undefined && replaces !== undefined && { replaces }),
    };
    try {
      const answer = await this.server.request("ds4/chat/send", params, cancel.token);
      if (this.conversation.answered(token, answer)) this.remember(answer.conversation);
    } catch (error) {
      this.conversation.failed(token, error instanceof Error ? error.message : String(error));
    } finally {
      cancel.dispose();
    }
    await this.list();
  }

  private async open(conversation: string): Promise<void> {
    this.conversation.open(await this.server.request("ds4/chat/get", { conversation }));
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
    if (type === "copy") await vscode.env.clipboard.writeText(block.text);
    else if (type === "insert") await insert(block);
    else if (!(await apply(this.server, conversation, turn, number))) return this.say("The file was left as it is.");
    this.say({ copy: "Copied.", insert: "Inserted.", apply: "Applied." }[type]);
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

  /** The server has just started: go on with the conversation of the last time. */
  private async began(last: string | undefined): Promise<void> {
    try {
      await this.list();
      const known = this.conversations.some(({ conversation }) => conversation === last);
      if (last !== undefined && known && !this.shown) await this.open(last);
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private say(text: string): void {
    this.tell({ type: "working", text });
    this.tell({ type: "said", text });
  }
}
