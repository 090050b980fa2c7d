// Where ds4agent is looked for.
import { homedir } from "node:os";
import * as vscode from "vscode";
import { isProgram, locate, type Surroundings } from "./locate";

/** Those that are there, one after the other. */
export class Programs {
  private readonly misfits = new Map<string, string>();

  /** The first one that has not turned out to be of a wrong version. */
  next(): string | undefined {
    return locate(surroundings()).find((program) => !this.misfits.has(program));
  }

  /** It is of a wrong version. */
  misfit(program: string, why: string): void {
    this.misfits.set(program, why);
  }

  forget(): void {
    this.misfits.clear();
  }

  /** Why there is no next one. */
  get problem(): string {
    const { setting } = surroundings();
    const [first] = this.misfits.values();
    const none = setting ? `The setting ds4agent.path names ${setting}, which is no program.` : "ds4agent is not installed, or cannot be found.";
    return first ?? none;
  }
}

export function surroundings(): Surroundings {
  return {
    setting: vscode.workspace.getConfiguration("ds4agent").get("path", ""),
    folders: vscode.workspace.isTrusted
      ? (vscode.workspace.workspaceFolders ?? []).filter((f) => f.uri.scheme === "file").map((f) => f.uri.fsPath)
      : [],
    home: homedir(),
    env: process.env,
    windows: process.platform === "win32",
  };
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
