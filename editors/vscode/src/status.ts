// The status bar item, and the menu behind it.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as vscode from "vscode";
import type { Server } from "./client";
import { install } from "./install";
import { chooseProgram } from "./program";
import type { Status } from "./protocol";
import { line } from "./status-text";

const MODEL_SECONDS = 30;

export function status(context: vscode.ExtensionContext, server: Server): void {
  new StatusBar(context, server);
}

class StatusBar {
  private readonly item = vscode.window.createStatusBarItem("ds4agent.status", vscode.StatusBarAlignment.Right, 100);
  private last: Status | undefined;
  /** Documents, also while they are closed: the server goes on to keep still in them. */
  private paused = new Set<string>();
  private pausedAll = false;

  constructor(
    context: vscode.ExtensionContext,
    private readonly server: Server,
  ) {
    this.item.name = "ds4agent";
    this.item.command = "ds4agent.menu";
    server.on("ds4/status", (said) => this.show(said));
    const commands: Record<string, () => unknown> = {
      "ds4agent.menu": () => this.menu(),
      "ds4agent.pauseHere": () => this.pauseHere(),
      "ds4agent.pause": () => this.pauseAll(),
      "ds4agent.chooseModel": () => this.chooseModel(),
      "ds4agent.sidecar": () => this.sidecar(),
      "ds4agent.showLog": () => this.showLog(),
      "ds4agent.restart": () => server.restart(),
      "ds4agent.install": () => install(server),
      "ds4agent.chooseProgram": chooseProgram,
    };
    context.subscriptions.push(
      this.item,
      server.onState(() => void this.onState().catch((error: unknown) => server.log.warn(String(error)))),
      vscode.window.onDidChangeActiveTextEditor(() => this.show(this.last)),
      ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, () => this.told(run))),
    );
    this.show(undefined);
    this.item.show();
  }

  private async onState(): Promise<void> {
    this.show(undefined);
    if (this.server.state !== "running") return;
    // A server that is new knows of no pause.
    for (const uri of this.paused) await this.server.request("ds4/pause", { paused: true, uri });
    if (this.pausedAll) await this.server.request("ds4/pause", { paused: true });
    this.show(await this.server.request("ds4/status/get", {}));
  }

  private show(said: Status | undefined): void {
    this.last = said;
    const found = line(this.server.state, said, this.server.problem, this.isPausedHere());
    this.item.text = found.text;
    this.item.tooltip = found.tooltip;
    this.item.accessibilityInformation = { label: `ds4agent: ${found.text.replace(/\$\([^)]*\) ?/g, "")}. ${found.tooltip}` };
    this.item.backgroundColor = found.alarming ? new vscode.ThemeColor("statusBarItem.errorBackground") : undefined;
  }

  private isPausedHere(): boolean {
    const uri = vscode.window.activeTextEditor?.document.uri.toString();
    return this.pausedAll || (uri !== undefined && this.paused.has(uri));
  }

  private async menu(): Promise<void> {
    const uri = vscode.window.activeTextEditor?.document.uri.toString();
    const here = uri !== undefined && this.paused.has(uri);
    const items: Array<vscode.QuickPickItem & { command: string }> = [
      ...(uri === undefined
        ? []
        : [{ label: here ? "$(play) Complete in this file again" : "$(debug-pause) Pause completion in this file", command: "ds4agent.pauseHere" }]),
      { label: this.pausedAll ? "$(play) Complete again" : "$(debug-pause) Pause completion everywhere", command: "ds4agent.pause" },
      ...(this.server.state === "failed" ? [{ label: "$(cloud-download) Install or update ds4agent", command: "ds4agent.install" }] : []),
      { label: "$(server) Choose the model", command: "ds4agent.chooseModel" },
      { label: "$(pulse) Show the sidecar's status", description: "model, cache, queue, memory", command: "ds4agent.sidecar" },
      { label: "$(output) Show the log", command: "ds4agent.showLog" },
      { label: "$(debug-restart) Restart the language server", command: "ds4agent.restart" },
    ];
    const chosen = await vscode.window.showQuickPick(items, { title: "ds4agent", placeHolder: this.last?.message ?? this.server.problem });
    if (chosen) await vscode.commands.executeCommand(chosen.command);
  }

  private async pauseHere(): Promise<void> {
    const uri = vscode.window.activeTextEditor?.document.uri.toString();
    if (uri === undefined) return;
    const { paused } = await this.server.request("ds4/pause", { paused: !this.paused.has(uri), uri });
    if (paused) this.paused.add(uri);
    else this.paused.delete(uri);
    this.show(this.last);
  }

  private async pauseAll(): Promise<void> {
    this.pausedAll = (await this.server.request("ds4/pause", { paused: !this.pausedAll })).paused;
    this.show(this.last);
  }

  private async chooseModel(): Promise<void> {
    const listed = promisify(execFile)(this.program(), ["models", "list", "--json"], { timeout: MODEL_SECONDS * 1000 });
    const items = listed.then(({ stdout }) => modelItems(JSON.parse(stdout)));
    const chosen = await vscode.window.showQuickPick(items, { title: "The model of an engine that is started", matchOnDetail: true });
    if (!chosen) return;
    await vscode.workspace.getConfiguration("ds4agent").update("model", chosen.path, vscode.ConfigurationTarget.Global);
  }

  /** Throws if none was found. */
  private program(): string {
    if (!this.server.program) throw new Error(this.server.problem || "ds4agent's language server does not run.");
    return this.server.program;
  }

  /** What `ds4agent status` shows, live. */
  private sidecar(): void {
    const terminal = vscode.window.createTerminal({ name: "ds4agent status", shellPath: this.program(), shellArgs: ["status", "--watch"] });
    terminal.show();
  }

  /** That of the extension, and beside it that of the server, which has more in it. */
  private async showLog(): Promise<void> {
    this.server.log.show(true);
    if (!this.server.running) return;
    const { path } = await this.server.request("ds4/log", {});
    await vscode.window.showTextDocument(vscode.Uri.file(path), { preview: true });
  }

  private async told(run: () => unknown): Promise<void> {
    try {
      await run();
    } catch (error) {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }
}

interface Listing {
  models: { id: string; path: string; size: number; problem: string | null }[];
}

function modelItems(listing: Listing): Array<vscode.QuickPickItem & { path: string | undefined }> {
  const bundled = { label: "Default", description: "of config.toml, else the bundled model", path: undefined };
  return [
    bundled,
    ...listing.models
      .filter((model) => !model.problem)
      .map(({ id, path, size }) => ({ label: id, description: `${(size / 1e9).toFixed(1)} GB`, detail: path, path })),
  ];
}
