// A server's process: its start, its last words, its end.
import { type ChildProcess, spawn } from "node:child_process";
import { homedir } from "node:os";
import { ending } from "./compatible";

const KEPT = 2000;
const ANSWER_SECONDS = 30;

export class Process {
  private readonly child: ChildProcess;
  private readonly spawned: Promise<ChildProcess>;
  private readonly ended: Promise<string>;
  private stderr = "";

  constructor(
    private readonly program: string,
    args: string[],
  ) {
    // Not in the workspace, which may be renamed while it runs.
    const child = (this.child = spawn(program, args, { cwd: homedir(), stdio: "pipe" }));
    child.stderr?.on("data", (data: Buffer) => {
      this.stderr = (this.stderr + data.toString()).slice(-KEPT);
    });
    this.spawned = new Promise((resolve, reject) => {
      child.once("spawn", () => resolve(child));
      child.once("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
    });
    this.spawned.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) => resolve(ending(code, signal, this.stderr)));
      child.once("error", (error) => resolve(error.message));
    });
  }

  /** Rejects if there is no such program or it is none. */
  started(): Promise<ChildProcess> {
    return this.spawned;
  }

  /** How it ended; it may hang about after its output has been closed. */
  async end(): Promise<string> {
    const late = setTimeout(() => this.kill(), 2000);
    const how = await this.ended;
    clearTimeout(late);
    return how;
  }

  /** Until its client has begun; else rejects with why, of which the process knows more than the client. */
  async until(begun: Promise<void>): Promise<void> {
    const silent = new Error(`${this.program} has not answered as a language server for ${ANSWER_SECONDS} s.`);
    const known = begun.catch((error: Error) => Promise.race([this.endedEarly(), after(1, error)]));
    await Promise.race([known, this.endedEarly(), after(ANSWER_SECONDS, silent)]);
  }

  private async endedEarly(): Promise<never> {
    await this.spawned;
    throw new Error(`${this.program} ${await this.ended}`);
  }

  kill(): void {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill();
  }
}

async function after(seconds: number, error: Error): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
  throw error;
}
