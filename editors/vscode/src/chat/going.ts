// The answers that are on their way, by the token of the question; also those that are not shown any more.

import * as vscode from "vscode";

import type { Delta } from "../protocol";
import type { Coming } from "./conversation";

export class Going {
  private readonly all = new Map<string, Coming & { readonly cancel: vscode.CancellationTokenSource }>();

  begin(token: string): vscode.CancellationToken {
    const cancel = new vscode.CancellationTokenSource();
    this.all.set(token, { cancel, text: "", reasoning: "" });
    return cancel.token;
  }

  end(token: string): void {
    this.all.get(token)?.cancel.dispose();
    this.all.delete(token);
  }

  stop(token: string | undefined): void {
    this.all.get(token ?? "")?.cancel.cancel();
  }

  delta({ token, conversation, kind, text }: Delta): void {
    const one = this.all.get(String(token));
    if (!one) return;
    one.conversation = conversation;
    one[kind] += text;
  }

  /** What a conversation waits for. */
  of(conversation: string): readonly [token: string, coming: Coming] | undefined {
    return [...this.all].find(([, one]) => one.conversation === conversation);
  }
}
