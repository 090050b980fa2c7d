// What a session has cost until now, and what it is doing, in few words.

import type { Phase } from "../protocol";
import type { Session } from "./session";

export interface Tokens {
  readonly read: number;
  readonly cached: number;
  readonly reread: number;
  readonly written: number;
}

export const NONE: Tokens = { read: 0, cached: 0, reread: 0, written: 0 };
const DOING: Readonly<Partial<Record<Phase, string>>> = {
  loading: "waiting for the engine",
  queued: "waiting for its turn",
  decode: "writing",
};

export function doing(phase: Phase, percent: number | undefined): string {
  if (phase !== "prefill") return DOING[phase] ?? "at work";
  return percent === undefined ? "reading" : `reading ${Math.round(percent)} %`;
}

export function sum(one: Tokens, other: Tokens): Tokens {
  return {
    read: one.read + other.read,
    cached: one.cached + other.cached,
    reread: one.reread + other.reread,
    written: one.written + other.written,
  };
}

/** One line about it. */
export function summary(session: Session, now: number): string {
  const { read, cached, reread, written } = session.tokens;
  const parts = [session.doing];
  if (session.seconds(now) > 0) parts.push(`${Math.floor(session.seconds(now))} s`);
  // What was read is known when a request is over.
  if (read > 0) parts.push(`${read} tokens read (${cached} cached), ${written} written`);
  else if (written > 0) parts.push(`${written} tokens written`);
  if (reread > 0) parts.push(`${reread} read again`);
  return parts.filter((part) => part !== "").join(" · ");
}

/** Of what is at work, else of what was last: in a row of the tree there is seldom room for it behind the task. */
export function figures(all: readonly Session[], now: number): string | undefined {
  const seen = all.filter(({ begun }) => begun);
  const running = seen.filter(({ running }) => running);
  const shown = running.length > 0 ? running : seen.slice(0, 1);
  return shown.map((session) => summary(session, now)).join(" ∥ ") || undefined;
}
