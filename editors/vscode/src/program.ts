// Finding ds4agent, and what to do where there is none.
import { homedir } from "node:os";
import * as vscode from "vscode";
import { isProgram, locate } from "./locate";

export function program(): string | undefined {
  return locate({
    setting: vscode.workspace.getConfiguration("ds4agent").get("path", ""),
    folders: vscode.workspace.isTrusted
      ? (vscode.workspace.workspaceFolders ?? []).filter((f) => f.uri.scheme === "file").map((f) => f.uri.fsPath)
      : [],
    home: homedir(),
    env: process.env,
    windows: process.platform === "win32",
  });
}

const WAYS: Array<vscode.QuickPickItem & { command: string }> = [
  { label: "pipx", description: "in an environment of its own", command: "pipx install --force ds4agent" },
  { label: "uv", description: "in an environment of its own", command: "uv tool install --upgrade ds4agent" },
  {
    label: "pip",
    description: "in ~/.venv",
    command: "python3 -m venv ~/.venv && ~/.venv/bin/pip install --upgrade ds4agent",
  },
];

/** The command is put into a terminal; that it runs is the user's doing. */
export async function install(): Promise<void> {
  const way = await vscode.window.showQuickPick(WAYS, {
    title: "Install or update ds4agent",
    placeHolder: "The command is written into a terminal; press Enter there, then restart the language server",
  });
  if (!way) return;
  const terminal = vscode.window.createTerminal("ds4agent");
  terminal.show();
  terminal.sendText(way.command, false);
}

export async function chooseProgram(): Promise<void> {
  const [file] = (await vscode.window.showOpenDialog({ title: "The program ds4agent", openLabel: "Use" })) ?? [];
  if (!file) return;
  if (!isProgram(file.fsPath)) {
    void vscode.window.showErrorMessage(`${file.fsPath} is not a program.`);
    return;
  }
  await vscode.workspace.getConfiguration("ds4agent").update("path", file.fsPath, vscode.ConfigurationTarget.Global);
}
