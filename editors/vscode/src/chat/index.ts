// The chat's view, and the commands that lead to it.

import { randomBytes } from "node:crypto";

import * as vscode from "vscode";

import type { Server } from "../client";
import type { Range } from "../protocol";
import { Chat } from "./chat";
import { page } from "./page";
import { fromPage, type ToPage } from "./protocol";

const VIEW = "ds4agent.chat";
const LAST = "ds4agent.chat.conversation";
// A command of the server's that is answered when all is said; asked by its request, the answer can be seen coming.
const EXPLAIN = "ds4.explain";

export function chat(context: vscode.ExtensionContext, server: Server): void {
  const provider = new Provider(context, server);
  const command = (name: string, run: () => unknown): void => {
    context.subscriptions.push(vscode.commands.registerCommand(name, run));
  };
  context.subscriptions.push(vscode.window.registerWebviewViewProvider(VIEW, provider));
  command("ds4agent.chat.new", async () => {
    await provider.focus();
    await provider.chat.hear({ type: "new" });
  });
  const before = server.middleware.executeCommand;
  server.middleware.executeCommand = async (name, args, next) => {
    if (name !== EXPLAIN) return before ? before(name, args, next) : next(name, args);
    const [uri, range] = args as [string, Range];
    await provider.focus();
    return provider.chat.explain(uri, range);
  };
  const explain = async ({ document, selection }: vscode.TextEditor): Promise<void> => {
    try {
      const { code2ProtocolConverter: protocol } = server.converters;
      await provider.focus();
      await provider.chat.explain(protocol.asUri(document.uri), protocol.asRange(selection));
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  };
  context.subscriptions.push(vscode.commands.registerTextEditorCommand("ds4agent.explain", (editor) => void explain(editor)));
  const attaching = {
    "ds4agent.chat.attach.selection": "selection",
    "ds4agent.chat.attach.file": "file",
    "ds4agent.chat.attach.diagnostics": "diagnostics",
  } as const;
  for (const [name, what] of Object.entries(attaching)) {
    command(name, () => provider.chat.attach(what, () => provider.shown()));
  }
}

class Provider implements vscode.WebviewViewProvider {
  readonly chat: Chat;
  private view: vscode.WebviewView | undefined;
  /** Whether the page has asked for all there is: what it is told before is lost. */
  private here = false;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly context: vscode.ExtensionContext,
    server: Server,
  ) {
    const { workspaceState } = context;
    const tell = (message: ToPage): void => {
      void this.view?.webview.postMessage(message);
    };
    this.chat = new Chat(server, tell, workspaceState.get<string>(LAST), (conversation) => {
      void workspaceState.update(LAST, conversation);
    });
  }

  async focus(): Promise<void> {
    await vscode.commands.executeCommand(`${VIEW}.focus`);
  }

  /** The page is there, and hears what it is told. */
  async shown(): Promise<void> {
    await this.focus();
    if (!this.here) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { webview } = view;
    const root = vscode.Uri.joinPath(this.context.extensionUri, "out");
    const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(root, name)).toString();
    // A page that is hidden is taken away, and asks for all there is when it is made again.
    this.view = view;
    this.here = false;
    view.onDidChangeVisibility(() => {
      if (!view.visible && this.view === view) this.here = false;
    });
    view.onDidDispose(() => {
      if (this.view === view) this.view = undefined;
    });
    webview.options = { enableScripts: true, enableForms: true, localResourceRoots: [root] };
    webview.onDidReceiveMessage((value: unknown) => {
      const message = fromPage(value);
      if (message) void this.chat.hear(message);
      if (message?.type !== "ready") return;
      this.here = true;
      for (const go of this.waiting.splice(0)) go();
    });
    webview.html = page({
      nonce: randomBytes(16).toString("hex"),
      cspSource: webview.cspSource,
      script: file("chat.js"),
      style: file("chat.css"),
    });
  }
}
