// Whether a server is one that this extension can talk to, and how often a server that ends is started again.
import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { promisify } from "node:util";

const VERSION_SECONDS = 10;

/** Undefined if they fit, else what is wrong and what to do. Below 1.0 the second number is the one that breaks things. */
export function misfit(server: { name?: string; version?: string } | undefined, ours: string, program: string): string | undefined {
  if (server?.name !== "ds4agent") return `${program} is not ds4agent: as a language server it calls itself ${server?.name ?? "nothing"}.`;
  const [theirs, own] = [numbers(server.version), numbers(ours)];
  if (theirs[0] === own[0] && theirs[1] === own[1]) return undefined;
  const older = theirs[0] < own[0] || (theirs[0] === own[0] && theirs[1] < own[1]);
  const needed = `${own[0]}.${own[1]}`;
  const what = older ? `Install ds4agent ${needed}` : `Update the extension, or install ds4agent ${needed} beside it`;
  return `${program} is ds4agent ${server.version ?? "of an unknown version"}; this extension, ${ours}, is made for ds4agent ${needed}. ${what}.`;
}

function numbers(version: string | undefined): [number, number] {
  const found = /^(\d+)\.(\d+)/.exec(version ?? "");
  return found ? [Number(found[1]), Number(found[2])] : [-1, -1];
}

/** What a program calls itself if it is asked on the command line. Of one that does not say, `unknown`. */
export async function versionOf(program: string, unknown: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, ["--version"], { cwd: homedir(), timeout: VERSION_SECONDS * 1000 });
    return /^ds4agent (\d+\.\S+)/.exec(stdout)?.[1] ?? unknown;
  } catch {
    return unknown;
  }
}

/** At most `most` starts within `span` milliseconds. */
export class Restarts {
  private times: number[] = [];

  constructor(
    private readonly most = 4,
    private readonly span = 180_000,
  ) {}

  /** Whether one more is allowed now; it then counts. */
  allowed(now: number): boolean {
    this.times = this.times.filter((time) => now - time < this.span);
    if (this.times.length >= this.most) return false;
    this.times.push(now);
    return true;
  }

  forget(): void {
    this.times = [];
  }
}

/** Why a process ended, for a person: its last words are worth more than its number. */
export function ending(code: number | null, signal: string | null, stderr: string): string {
  const words = stderr.trim().split("\n").at(-1)?.trim().slice(0, 300);
  const how = signal ? `was ended by ${signal}` : `ended with code ${code ?? "unknown"}`;
  return words ? `${how}: ${words}` : how;
}
