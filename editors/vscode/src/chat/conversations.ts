// The conversations that the server keeps: which there are, and which one is shown.

import * as vscode from "vscode";

import type { Server } from "../client";
import type { Conversation } from "./conversation";
import type { Going } from "./going";
import type { Summary, ToPage } from "./protocol";

export class Conversations {
  private all: readonly Summary[] = [];
  /** How many conversations somebody wanted to see. */
  private opened = 0;

  /** `leave` is called before another one is shown; `last` is what a server that starts goes on with, and `keep`
   * stores it for later windows. */
  constructor(
    private readonly server: Server,
    private readonly shown: Conversation,
    private readonly going: Going,
    private readonly tell: (message: ToPage) => void,
    private readonly leave: () => void,
    private last: string | undefined,
    private readonly keep: (conversation: string | undefined) => void,
  ) {}

  /** One that is new gets its name with the first answer. */
  show(): void {
    this.tell({ type: "conversations", conversations: this.all, shown: this.shown.conversation });
  }

  async list(): Promise<void> {
    this.all = await this.server.request("ds4/chat/list", {});
    this.show();
  }

  /** A new one, which has no name yet. */
  begin(): void {
    this.leave();
    this.shown.begin();
    this.remember(undefined);
  }

  async open(conversation: string): Promise<void> {
    const opening = ++this.opened;
    const { epoch } = this.shown;
    const stored = await this.server.request("ds4/chat/get", { conversation }).catch(async (error: unknown) => {
      // The page must not show it as chosen; it may be one that another window has deleted.
      await this.list();
      throw error;
    });
    // Who has gone on to another one meanwhile, or asked something, does not want this one any more.
    if (opening !== this.opened || epoch !== this.shown.epoch) return;
    this.leave();
    this.shown.open(stored, this.going.of(conversation, stored.turns.at(-1)));
    this.remember(conversation);
  }

  async remove(conversation: string): Promise<void> {
    const title = this.all.find((one) => one.conversation === conversation)?.title ?? "";
    const sure = { modal: true, detail: title };
    if ((await vscode.window.showWarningMessage("Delete this conversation?", sure, "Delete")) !== "Delete") return;
    await this.server.request("ds4/chat/delete", { conversation });
    if (this.shown.conversation === conversation) this.begin();
    await this.list();
  }

  remember(conversation: string | undefined): void {
    this.last = conversation;
    this.keep(conversation);
  }

  /** The server has just started: go on with the conversation of the last time. */
  async goOn(): Promise<void> {
    await this.list();
    const { last } = this;
    const known = this.all.some(({ conversation }) => conversation === last);
    if (last !== undefined && known && this.shown.empty) await this.open(last);
  }
}
