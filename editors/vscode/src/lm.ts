// The local model, offered to VS Code's own chat. Where the editor has no such API, nothing is offered.

import * as vscode from "vscode";

import type { Server } from "./client";
import { post } from "./lm-http";
import { Answer, body, type Message, type Tool } from "./lm-messages";

const VENDOR = "ds4agent";
/** Until the engine has told its own. */
const CONTEXT = 32_768;
const LETTERS_A_TOKEN = 3;

/** VS Code's API as of 1.104, later than the oldest version that the extension is for. */
interface Api {
  registerLanguageModelChatProvider?(vendor: string, provider: Provider): vscode.Disposable;
}

interface Asked {
  readonly tools?: readonly Tool[];
  readonly modelOptions?: object;
}

export function lm(context: vscode.ExtensionContext, server: Server): void {
  const api = vscode.lm as Api | undefined;
  const offered = api?.registerLanguageModelChatProvider?.(VENDOR, new Provider(server));
  if (offered) context.subscriptions.push(offered);
}

class Provider {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeLanguageModelChatInformation = this.changed.event;
  private model = "local model";
  private context = CONTEXT;

  constructor(private readonly server: Server) {
    server.on("ds4/status", ({ model = this.model, context = this.context }) => {
      if (model === this.model && context === this.context) return;
      this.model = model;
      this.context = context;
      this.changed.fire();
    });
  }

  provideLanguageModelChatInformation(): object[] {
    const output = Math.floor(this.context / 4);
    return [
      {
        id: VENDOR,
        name: `ds4agent: ${this.model}`,
        family: "deepseek-v4",
        version: "1",
        tooltip: "Runs on this machine",
        maxInputTokens: this.context - output,
        maxOutputTokens: output,
        capabilities: { toolCalling: true, imageInput: false },
      },
    ];
  }

  async provideLanguageModelChatResponse(
    _: object,
    messages: readonly Message[],
    { tools = [], modelOptions = {} }: Asked,
    progress: vscode.Progress<vscode.LanguageModelTextPart | vscode.LanguageModelToolCallPart>,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const abort = new AbortController();
    const listening = token.onCancellationRequested(() => {
      abort.abort();
    });
    try {
      // It may have to be started first, and who waits for that may stop.
      const { url, model, key } = await this.server.request("ds4/engine", {}, token);
      const answer = new Answer();
      const asked = body(model, messages, tools, modelOptions);
      for await (const piece of post(`${url}/v1/chat/completions`, asked, key, abort.signal)) {
        const text = answer.feed(piece);
        if (text) progress.report(new vscode.LanguageModelTextPart(text));
      }
      for (const { id, name, input } of answer.calls) {
        progress.report(new vscode.LanguageModelToolCallPart(id, name, input));
      }
    } catch (error) {
      if (token.isCancellationRequested) throw new vscode.CancellationError();
      throw error;
    } finally {
      listening.dispose();
    }
  }

  /** An upper bound for code and prose: engines do not count tokens on request. */
  async provideTokenCount(_: object, text: string | Message): Promise<number> {
    const letters = typeof text === "string" ? text.length : JSON.stringify(text.content).length;
    return Math.ceil(letters / LETTERS_A_TOKEN);
  }
}
