// What a session of the agent has done, gathered from its events. Knows no editor.

import type { AgentEvent, AgentProgress, Phase } from "../protocol";
import { doing, NONE, sum, type Tokens } from "./figures";

export type StepKind = "message" | "reasoning" | "command" | "change" | "tool" | "warning" | "error";

/** `text`: all of it, for a person. `diff`: of a change. */
export interface Step {
  readonly id: string;
  readonly kind: StepKind;
  title: string;
  text: string;
  state: "running" | "done" | "failed";
  note: string;
  diff?: string;
  path?: string;
}

interface Item {
  readonly id: string;
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Letters at the beginning of a text among which its title is. */
const TITLED = 1000;
const KINDS: Readonly<Record<string, StepKind>> = {
  agent_message: "message",
  reasoning: "reasoning",
  command_execution: "command",
  file_change: "change",
  error: "error",
};

export class Session {
  readonly steps: Step[] = [];
  /** How the last turn ended; undefined where that is not known. */
  status: string | undefined;
  /** Of the turns before, and of the last one. */
  private before = NONE;
  private last = NONE;
  private phase: Phase = "idle";
  private percent: number | undefined;
  private since: number | undefined;
  private worked = 0;
  private turn = 0;

  constructor(
    readonly id: string,
    public title: string,
    public folder: string,
    public running: boolean,
    public updated: number,
  ) {}

  /** Whether this editor has seen a turn of it. */
  get begun(): boolean {
    return this.turn > 0;
  }

  get tokens(): Tokens {
    return sum(this.before, this.last);
  }

  /** What it is doing, for a person. */
  get doing(): string {
    return this.running ? doing(this.phase, this.percent) : (this.status ?? "");
  }

  progress({ phase, percent, promptTokens, cachedTokens, rereadTokens, completionTokens }: AgentProgress): void {
    this.phase = phase;
    this.percent = percent;
    this.last = { read: promptTokens, cached: cachedTokens, reread: rereadTokens, written: completionTokens };
  }

  /** Seconds at work, in the turns that were seen. `now`: milliseconds. */
  seconds(now: number): number {
    return (this.worked + (this.since === undefined ? 0 : now - this.since)) / 1000;
  }

  hear(event: AgentEvent, now: number): void {
    switch (event.type) {
      case "session.started":
        this.begins(now);
        break;
      case "item.started":
      case "item.completed":
        this.item(event["item"] as Item, event.type === "item.completed");
        break;
      case "item.updated": {
        const { id, delta } = event["item"] as Item;
        const step = this.find(String(id));
        if (step) step.text += String(delta ?? "");
        // Whatever comes later is not in its title, and to look at all of it each time would take ever longer.
        if (step && isProse(step) && step.text.length < TITLED) step.title = firstLine(step.text);
        break;
      }
      case "turn.failed":
        this.say("error", String((event["error"] as { message?: unknown } | undefined)?.message ?? "failed"));
        break;
      case "warning":
      case "error":
        this.say(event.type, String(event["message"] ?? ""));
        break;
      case "session.completed":
        this.ends(String(event["status"] ?? ""), now);
        break;
    }
  }

  private begins(now: number): void {
    this.turn++;
    this.running = true;
    this.status = undefined;
    this.since = now;
    this.before = this.tokens;
    this.last = NONE;
    this.phase = "loading";
  }

  private ends(status: string, now: number): void {
    if (this.since !== undefined) this.worked += now - this.since;
    this.since = undefined;
    this.running = false;
    this.status = status;
    for (const step of this.steps) if (step.state === "running") step.state = "failed";
  }

  private say(kind: "warning" | "error", text: string): void {
    if (this.steps.at(-1)?.text === text) return;
    this.steps.push({ id: `said ${this.steps.length}`, kind, title: firstLine(text), text, state: "done", note: "" });
  }

  /** Ids count anew with each turn. */
  private find(id: string): Step | undefined {
    return this.steps.find((step) => step.id === `${this.turn} ${id}`);
  }

  private item(item: Item, over: boolean): void {
    let step = this.find(item.id);
    if (!step) {
      const kind = KINDS[item.type] ?? "tool";
      step = { id: `${this.turn} ${item.id}`, kind, title: "", text: "", state: "running", note: "" };
      this.steps.push(step);
    }
    fill(step, item);
    if (!over) return;
    const failed = item["status"] !== undefined && item["status"] !== "completed";
    step.state = failed || step.kind === "error" ? "failed" : "done";
    if (step.kind === "command" && item["exit_code"] !== undefined) step.note = `exit ${String(item["exit_code"])}`;
    else if (failed) step.note = String(item["status"]);
  }
}

function fill(step: Step, item: Item): void {
  const text = (name: string): string | undefined => (typeof item[name] === "string" ? item[name] : undefined);
  if (step.kind === "command") {
    step.title = firstLine(text("command") ?? "");
    step.text = `$ ${text("command") ?? ""}\n${text("aggregated_output") ?? ""}`;
  } else if (step.kind === "change") {
    step.path = text("path") ?? "";
    step.title = step.path;
    const diff = text("diff");
    if (diff !== undefined) step.diff = diff;
    step.text = text("error") ?? diff ?? "";
  } else if (step.kind === "tool") {
    step.title = `${text("tool") ?? item.type} ${typeof item["arguments"] === "string" ? firstLine(item["arguments"]) : ""}`;
    step.text = text("error") ?? JSON.stringify(item, undefined, 2);
  } else {
    step.text = text("text") ?? text("message") ?? step.text;
    step.title = firstLine(step.text);
  }
}

const isProse = ({ kind }: Step): boolean => kind === "message" || kind === "reasoning";

function firstLine(text: string): string {
  const line = text.slice(0, TITLED).split("\n").find((one) => one.trim()) ?? "";
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}
