// Installing ds4agent: what would run is shown first, and runs in a terminal where one sees it.
import { type ChildProcess, spawn } from "node:child_process";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { follow } from "./actions";
import type { Server } from "./client";
import { isProgram } from "./locate";
import { surroundings } from "./program";
import { typed, wanted, way } from "./ways";

const RUN = "Run";

export async function install(server: Server): Promise<void> {
  const ours: string = server.context.extension.packageJSON.version;
  const found = way(surroundings(), ours);
  if (!found) {
    const problem = "ds4agent is installed by uv, pipx or Python's pip, and none of them is on PATH. Install Python 3.11 or later, then try again.";
    void vscode.window.showErrorMessage(problem, "Choose Program").then(follow);
    return;
  }
  const section = vscode.workspace.getConfiguration("ds4agent");
  const setting = section.get("path", "");
  const other = setting !== "" && !found.programs.includes(setting);
  const then = other ? `Then the setting ds4agent.path, now ${setting}, becomes ${found.programs.join(", or ")}.` : "Then the language server is started.";
  const detail = [...found.commands.map(typed), "", then].join("\n");
  const answer = await vscode.window.showInformationMessage(`Install ds4agent ${wanted(ours)} into an environment of its own? This runs:`, { modal: true, detail }, RUN);
  if (answer !== RUN || !(await succeeded(found.commands))) return;
  // Of one that lies elsewhere nothing is known but that PATH or a link leads to it, which is where a setting that is not
  // set has it looked for. Whoever listens to the setting restarts the server.
  if (other) await section.update("path", found.programs.find(isProgram), vscode.ConfigurationTarget.Global);
  else await server.restart();
}

async function succeeded(commands: string[][]): Promise<boolean> {
  const output = new Output();
  const terminal = vscode.window.createTerminal({ name: "Install ds4agent", pty: output });
  terminal.show();
  await output.opened;
  for (const command of commands) {
    const failed = await output.run(command);
    if (failed === undefined) continue;
    const problem = `ds4agent was not installed: ${command.slice(0, 3).join(" ")} ... ${failed}. The terminal has its output.`;
    void vscode.window.showErrorMessage(problem, "Install", "Choose Program").then(follow);
    return false;
  }
  return true;
}

/** A terminal without a shell: no profile changes PATH, and how a command ended is known. Closing it ends the command. */
class Output implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  readonly onDidWrite = this.written.event;
  private child: ChildProcess | undefined;
  private begun = (): void => undefined;
  readonly opened = new Promise<void>((resolve) => {
    this.begun = resolve;
  });

  open(): void {
    this.begun();
  }

  close(): void {
    this.child?.kill();
  }

  /** Undefined if all went well, else how it ended. */
  run([program = "", ...args]: string[]): Promise<string | undefined> {
    this.write(`> ${typed([program, ...args])}\n`);
    return new Promise((resolve) => {
      const child = (this.child = spawn(program, args, { cwd: homedir(), stdio: ["ignore", "pipe", "pipe"] }));
      for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => this.write(data.toString()));
      child.once("error", (error) => resolve(`cannot be started: ${error.message}`));
      child.once("close", (code, signal) => resolve(code === 0 ? undefined : signal ? `was ended by ${signal}` : `ended with code ${code}`));
    });
  }

  private write(text: string): void {
    this.written.fire(text.replace(/\r?\n/g, "\r\n"));
  }
}
