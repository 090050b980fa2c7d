// The answers that are on their way, by the token of the question; also those that are not shown any more.

import * as vscode from "vscode";

import type { Delta, Turn } from "../protocol";
import type { Coming } from "./conversation";

/** `conversation`: where its name is known before the first delta. `is`: whether a turn is that of the question. */
export interface Asked {
  readonly conversation: string | undefined;
  readonly is: (turn: Turn) => boolean;
}

export class Going {
  private readonly all = new Map<string, Coming & Pick<Asked, "is"> & { readonly cancel: vscode.CancellationTokenSource }>();

  begin(token: string, { conversation, is }: Asked): vscode.CancellationToken {
    const cancel = new vscode.CancellationTokenSource();
    this.all.set(token, { cancel, is, text: "", reasoning: "", ...(conversation !== undefined && { conversation }) });
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

  /** What a conversation waits for. While its question is read, a new one is known by that alone. */
  of(conversation: string, last: Turn | undefined): readonly [token: string, coming: Coming] | undefined {
    const all = [...this.all];
    const named = all.find(([, one]) => one.conversation === conversation);
    return named ?? all.find(([, one]) => one.conversation === undefined && last?.status === "running" && one.is(last));
  }
}
