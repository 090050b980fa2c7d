// The language server's process, and what the parts of the extension say to it.
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import * as vscode from "vscode";
import type { Heard, Requests, Told } from "./protocol";

export type ServerState = "stopped" | "starting" | "running" | "failed";

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private readonly listeners: Array<[string, (params: unknown) => void]> = [];
  private readonly changed = new vscode.EventEmitter<ServerState>();
  private now: ServerState = "stopped";
  /** Wraps of LSP's own requests; to be set before the server is started. */
  readonly middleware: Middleware = {};

  constructor(
    readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
  ) {}

  /** Fires with every change of `state`. */
  readonly onState = this.changed.event;

  get state(): ServerState {
    return this.now;
  }

  /** Undefined unless it runs. */
  get running(): LanguageClient | undefined {
    return this.now === "running" ? this.client : undefined;
  }

  /** A range or uri as the protocol has it, and back. Throws if the server does not run. */
  get converters(): Pick<LanguageClient, "code2ProtocolConverter" | "protocol2CodeConverter"> {
    return this.needed();
  }

  /** Rejects with one sentence for the user, also if the server does not run. */
  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    token?: vscode.CancellationToken,
  ): Promise<Requests[M][1]> {
    return this.needed().sendRequest<Requests[M][1]>(method, params, token);
  }

  /** Nothing happens while the server does not run. */
  tell<M extends keyof Told>(method: M, params: Told[M]): void {
    void this.running?.sendNotification(method, params);
  }

  /** Holds over restarts of the server. */
  on<M extends keyof Heard>(method: M, listener: (params: Heard[M]) => void): void {
    this.listeners.push([method, listener as (params: unknown) => void]);
    this.client?.onNotification(method, listener);
  }

  async start(): Promise<void> {
    const { LanguageClient, TransportKind } = await import("vscode-languageclient/node");
    this.become("starting");
    this.client = new LanguageClient(
      "ds4agent",
      "ds4agent",
      { command: "ds4agent", args: ["lsp"], transport: TransportKind.stdio },
      { documentSelector: [{ scheme: "file" }, { scheme: "untitled" }], outputChannel: this.log, middleware: this.middleware },
    );
    for (const [method, listener] of this.listeners) this.client.onNotification(method, listener);
    await this.client.start();
    this.become("running");
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.become("stopped");
    await client?.dispose();
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
  }

  private needed(): LanguageClient {
    if (!this.running) throw new Error("The language server of ds4agent does not run.");
    return this.running;
  }

  private become(state: ServerState): void {
    this.now = state;
    this.changed.fire(state);
  }
}
