// Where the extension begins. Nothing heavy is loaded before activate has returned.
import * as vscode from "vscode";
import { Server } from "./client";

/** A part of the extension: what it registers lasts as long as `context`. It is called before the server starts. */
export type Part = (context: vscode.ExtensionContext, server: Server) => void;

const PARTS: Part[] = [];

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("ds4agent", { log: true });
  const server = new Server(context, log);
  context.subscriptions.push(log, server);
  for (const part of PARTS) part(context, server);
  void server.start();
}
