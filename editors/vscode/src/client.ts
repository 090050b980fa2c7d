// The language server's process, and what the parts of the extension say to it.
//
// A server that ends is started again, with a new client, a bounded number of times in three minutes; then the user is
// asked. vscode-languageclient is loaded when the first server starts, not when the extension is activated.
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import * as vscode from "vscode";
import { type Action, follow } from "./actions";
import { clientOptions } from "./client-options";
import { misfit, Restarts, versionOf } from "./compatible";
import { Process } from "./process";
import { Programs } from "./program";
import type { Heard, Requests, Told } from "./protocol";
import { forServer } from "./settings";

// Of JSON-RPC's errors those that the connection makes up when the process is gone.
const NOT_ANSWERED = -32097;
const NOT_CONNECTED = -32096;

/** Nobody answers because the server does not run, which is told to the user where its state is. */
export class NotRunning extends Error {}

export type ServerState = "stopped" | "starting" | "running" | "failed";

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private process: Process | undefined;
  private readonly listeners: Array<[string, (params: unknown) => void]> = [];
  private readonly changed = new vscode.EventEmitter<ServerState>();
  private readonly restarts = new Restarts();
  private readonly programs = new Programs();
  private now: ServerState = "stopped";
  /** What an earlier start or its process still does is nobody's business any more. */
  private turn = 0;
  /** Why it does not run, for a person. */
  problem = "";
  /** The program that was started last. */
  program = "";
  /** Wraps of LSP's own requests; to be set before the server is started. */
  readonly middleware: Middleware = { workspace: { configuration: () => [forServer()] } };

  /** Called with each client before it starts. */
  readonly prepare: Array<(client: LanguageClient) => void> = [];

  constructor(
    readonly context: vscode.ExtensionContext,
    readonly log: vscode.LogOutputChannel,
  ) {}

  /** Fires with every change of `state`. */
  readonly onState = this.changed.event;

  get state(): ServerState {
    return this.now;
  }

  /** None unless it runs. */
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
    try {
      // A token that is undefined would be taken for one more parameter.
      return await this.needed().sendRequest<Requests[M][1]>(method, params, ...(token ? [token] : []));
    } catch (error) {
      const ended = [NOT_ANSWERED, NOT_CONNECTED].includes((error as { code?: unknown }).code as number);
      throw ended ? new NotRunning("ds4agent's language server ended before it had answered.") : error;
    }
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
    const turn = ++this.turn;
    this.become("starting");
    const found = this.programs.next();
    if (!found) return this.fail(this.programs.problem, "Install", "Choose Program");
    this.program = found;
    const { LanguageClient } = await import("./languageclient");
    if (turn !== this.turn) return;
    const process = (this.process = new Process(found, ["lsp", "--stdio"]));
    const options = clientOptions(this.log, this.middleware, () => {
      if (turn === this.turn && this.now === "running") void this.lost(turn, process);
    });
    const client = (this.client = new LanguageClient("ds4agent", "ds4agent", () => process.started(), options));
    for (const [method, listener] of this.listeners) client.onNotification(method, listener);
    for (const prepared of this.prepare) prepared(client);
    try {
      await process.until(client.start());
    } catch (error) {
      if (turn !== this.turn) return;
      // One that is too old may not even know what a language server is.
      const wrong = misfit({ name: "ds4agent", version: await versionOf(found, this.ours) }, this.ours, found);
      if (turn !== this.turn) return;
      await this.drop();
      if (turn !== this.turn) return;
      if (wrong) return this.another(found, wrong);
      this.fail(error instanceof Error ? error.message : String(error), "Restart", "Show Log");
      return;
    }
    if (turn === this.turn) await this.checked(turn, client, found);
  }

  /** As often as the user asks. */
  async restart(): Promise<void> {
    this.restarts.forget();
    this.programs.forget();
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.turn++;
    this.become("stopped");
    await this.drop();
  }

  dispose(): void {
    void this.stop();
    this.changed.dispose();
  }

  private async checked(turn: number, client: LanguageClient, found: string): Promise<void> {
    const wrong = misfit(client.initializeResult?.serverInfo, this.ours, found);
    if (!wrong) {
      this.become("running");
      return;
    }
    await this.drop();
    if (turn === this.turn) await this.another(found, wrong);
  }

  /** There may be one that fits in another place. */
  private async another(program: string, why: string): Promise<void> {
    this.programs.misfit(program, why);
    this.log.warn(why);
    this.become("stopped");
    await this.start();
  }

  /** The process ended although nobody had asked for that. */
  private async lost(turn: number, process: Process): Promise<void> {
    this.become("stopped");
    const how = await process.end();
    if (turn !== this.turn) return;
    await this.drop();
    if (!this.restarts.allowed(Date.now())) {
      this.fail(`ds4agent's language server ended again and again. The last time it ${how}.`, "Restart", "Show Log");
      return;
    }
    const message = `ds4agent's language server ${how}. It is started again.`;
    this.log.warn(message);
    void vscode.window.showWarningMessage(message, "Show Log").then(follow);
    await this.start();
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
    void vscode.window.showErrorMessage(problem, ...actions).then(follow);
  }

  private get ours(): string {
    return this.context.extension.packageJSON.version;
  }

  private needed(): LanguageClient {
    if (!this.running) throw new NotRunning(this.problem || "ds4agent's language server does not run.");
    return this.running;
  }

  private become(state: ServerState): void {
    if (state !== "failed") this.problem = "";
    this.now = state;
    this.changed.fire(state);
    void vscode.commands.executeCommand("setContext", "ds4agent.running", state === "running");
  }
}
