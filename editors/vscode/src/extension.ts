// Where the extension begins. Nothing heavy is loaded before activate has returned.
import * as vscode from "vscode";
import { agent } from "./agent";
import { chat } from "./chat";
import { Server } from "./client";
import { edits } from "./edits";
import { ghost } from "./ghost";
import { lm } from "./lm";
import { status } from "./status";

/** A part of the extension: what it registers lasts as long as `context`. It is called before the server starts. */
export type Part = (context: vscode.ExtensionContext, server: Server) => void;

const PARTS: Part[] = [status, ghost, edits, chat, agent, lm];
let running: Server | undefined;
const WELCOMED = "ds4agent.welcomed";

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("ds4agent", { log: true });
  const server = (running = new Server(context, log));
  context.subscriptions.push(log, server);
  for (const part of PARTS) part(context, server);
  context.subscriptions.push(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("ds4agent.path")) void server.restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server.start()),
    vscode.commands.registerCommand("ds4agent.walkthrough", () => walkthrough(context)),
  );
  setImmediate(() => void begin(context, server));
}

/** The server is told to end, so that it saves what it has. */
export async function deactivate(): Promise<void> {
  await running?.stop();
}

async function begin(context: vscode.ExtensionContext, server: Server): Promise<void> {
  await server.start();
  if (context.globalState.get(WELCOMED) || !welcome()) return;
  await context.globalState.update(WELCOMED, true);
  await walkthrough(context);
}

/** VS Code's own setting for walkthroughs that come by themselves. */
function welcome(): boolean {
  return vscode.workspace.getConfiguration("workbench.welcomePage").get("walkthroughs.openOnInstall", true);
}

async function walkthrough(context: vscode.ExtensionContext): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#ds4agent.start`, false);
}
