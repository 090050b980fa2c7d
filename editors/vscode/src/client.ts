// The language server's process, and what the parts of the extension say to it.
//
// A server that ends is started again, with a new client, a bounded number of times in three minutes; then the user is
// asked. vscode-languageclient is loaded when the first server starts, not when the extension is activated.
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import * as vscode from "vscode";
import { misfit, Restarts } from "./compatible";
import { Process } from "./process";
import { program } from "./program";
import type { Heard, Requests, Told } from "./protocol";
import { forServer } from "./settings";

export type ServerState = "stopped" | "starting" | "running" | "failed";

const ANSWER_SECONDS = 30;

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private process: Process | undefined;
  private readonly listeners: Array<[string, (params: unknown) => void]> = [];
  private readonly changed = new vscode.EventEmitter<ServerState>();
  private readonly restarts = new Restarts();
  private now: ServerState = "stopped";
  /** Why it does not run, for a person. */
  problem = "";
  /** The program that was started last. */
  program = "";
  /** Wraps of LSP's own requests; to be set before the server is started. */
  readonly middleware: Middleware = { workspace: { configuration: () => [forServer()] } };

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

  /** Ranges, edits and uris as the protocol has them, and back. Throws if the server does not run. */
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
    this.running?.sendNotification(method, params).catch((error: unknown) => this.log.warn(`${method}: ${String(error)}`));
  }

  /** Holds over restarts of the server. */
  on<M extends keyof Heard>(method: M, listener: (params: Heard[M]) => void): void {
    this.listeners.push([method, listener as (params: unknown) => void]);
    this.client?.onNotification(method, listener);
  }

  /** Never rejects: what went wrong is told to the user. */
  async start(): Promise<void> {
    if (this.now === "starting" || this.now === "running") return;
    this.become("starting");
    const found = program();
    if (!found) {
      this.fail("ds4agent is not installed, or cannot be found.", "Install", "Choose Program");
      return;
    }
    this.program = found;
    try {
      await this.run(found);
    } catch (error) {
      await this.drop();
      if (this.state === "starting") this.fail(error instanceof Error ? error.message : String(error), "Show Log", "Restart");
    }
  }

  /** As often as the user asks. */
  async restart(): Promise<void> {
    this.restarts.forget();
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.become("stopped");
    await this.drop();
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
  }

  private async run(found: string): Promise<void> {
    const { LanguageClient, CloseAction, ErrorAction } = await import("./languageclient");
    const process = new Process(found, ["lsp", "--stdio"]);
    const client = new LanguageClient("ds4agent", "ds4agent", () => process.started(), {
      documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
      outputChannel: this.log,
      initializationOptions: forServer(),
      synchronize: { configurationSection: "ds4agent" },
      middleware: this.middleware,
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          if (this.client === client && this.now === "running") void this.lost(process);
          return { action: CloseAction.DoNotRestart, handled: true };
        },
      },
    });
    this.client = client;
    this.process = process;
    for (const [method, listener] of this.listeners) client.onNotification(method, listener);
    // It tells of its failure in a rejection that comes later than the end of the process, and says less.
    await Promise.race([client.start(), process.rejectAtEnd(), process.rejectAfter(ANSWER_SECONDS)]);
    if (this.client !== client) return;
    const wrong = misfit(client.initializeResult?.serverInfo, this.context.extension.packageJSON.version, found);
    if (wrong) {
      await this.drop();
      this.fail(wrong, "How to Update", "Choose Program");
      return;
    }
    this.become("running");
  }

  /** The process ended although nobody had asked for that. */
  private async lost(process: Process): Promise<void> {
    this.become("stopped");
    const how = await process.end();
    await this.drop();
    this.log.error(`The language server ${how}`);
    if (this.restarts.allowed(Date.now())) {
      vscode.window.setStatusBarMessage(`ds4agent's language server ${how}; it is started again.`, 10_000);
      await this.start();
    } else {
      this.fail(`ds4agent's language server ended again and again. The last time it ${how}.`, "Restart", "Show Log");
    }
  }

  private async drop(): Promise<void> {
    const { client, process } = this;
    this.client = this.process = undefined;
    try {
      await client?.dispose();
    } catch {
      // One that never started cannot be stopped.
    }
    process?.kill();
  }

  private fail(problem: string, ...actions: Action[]): void {
    this.problem = problem;
    this.become("failed");
    this.log.error(problem);
    void vscode.window.showErrorMessage(problem, ...actions).then((chosen) => {
      if (chosen) void vscode.commands.executeCommand(ACTIONS[chosen]);
    });
  }

  private needed(): LanguageClient {
    if (!this.running) throw new Error(this.problem || "ds4agent's language server does not run.");
    return this.running;
  }

  private become(state: ServerState): void {
    if (state !== "failed") this.problem = "";
    this.now = state;
    this.changed.fire(state);
    void vscode.commands.executeCommand("setContext", "ds4agent.running", state === "running");
  }
}

const ACTIONS = {
  Install: "ds4agent.install",
  "How to Update": "ds4agent.install",
  "Choose Program": "ds4agent.chooseProgram",
  "Show Log": "ds4agent.showLog",
  Restart: "ds4agent.restart",
} as const;

type Action = keyof typeof ACTIONS;
