// Buttons of messages, and the commands behind them.
import * as vscode from "vscode";

const ACTIONS = {
  Install: "ds4agent.install",
  "Choose Program": "ds4agent.chooseProgram",
  "Show Log": "ds4agent.showLog",
  Restart: "ds4agent.restart",
} as const;

export type Action = keyof typeof ACTIONS;

export function follow(chosen: Action | undefined): void {
  if (chosen) void vscode.commands.executeCommand(ACTIONS[chosen]);
}
