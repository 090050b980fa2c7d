// The agent's sessions as the server has them.

import * as vscode from "vscode";

import { NotRunning, type Server } from "../client";
import type { AgentEvent } from "../protocol";
import type { Changed } from "./differences";
import { Session } from "./session";

const SOON_MS = 200;

export class Agents implements vscode.Disposable {
  private sessions: Session[] = [];
  private readonly changed = new vscode.EventEmitter<Session | undefined>();
  private readonly tick: ReturnType<typeof setInterval>;
  private readonly waiting = new Map<Session, ReturnType<typeof setTimeout>>();
  /** Of one session, or of the list of them. */
  readonly onChange = this.changed.event;

  constructor(private readonly server: Server) {
    server.on("ds4/agent/event", ({ session, event }) => {
      this.hear(session, event);
    });
    server.on("ds4/agent/progress", (progress) => {
      const session = this.known(progress.session);
      session.progress(progress);
      this.changed.fire(session);
    });
    server.onState((state) => {
      if (state === "running") void this.list();
      else this.lost();
    });
    this.tick = setInterval(() => {
      for (const session of this.sessions) if (session.running) this.changed.fire(session);
    }, 1000);
  }

  /** The newest first. */
  get all(): readonly Session[] {
    return this.sessions;
  }

  dispose(): void {
    clearInterval(this.tick);
    for (const timer of this.waiting.values()) clearTimeout(timer);
    this.changed.dispose();
  }

  async start(task: string, folder: vscode.WorkspaceFolder | undefined): Promise<Session> {
    const uri = folder && { folder: this.server.converters.code2ProtocolConverter.asUri(folder.uri) };
    const { session } = await this.server.request("ds4/agent/start", { task, ...uri });
    const known = this.known(session);
    known.title = task;
    known.folder = uri?.folder ?? vscode.workspace.workspaceFolders?.[0]?.uri.toString() ?? "";
    this.changed.fire(undefined);
    return known;
  }

  async resume(session: Session, task: string): Promise<void> {
    await this.server.request("ds4/agent/resume", { session: session.id, ...(task && { task }) });
  }

  async stop(session: Session): Promise<void> {
    await this.server.request("ds4/agent/interrupt", { session: session.id });
  }

  /** None while the server does not run: the view asks again when it does, and would make a message of an error. */
  async changes(session: Session): Promise<readonly Changed[]> {
    try {
      return (await this.server.request("ds4/agent/changes", { session: session.id })).files;
    } catch (error) {
      if (error instanceof NotRunning) return [];
      throw error;
    }
  }

  async putBack(session: Session, uris?: string[]): Promise<{ restored: string[]; refused: { uri: string; reason: string }[] }> {
    const answer = await this.server.request("ds4/agent/putback", { session: session.id, ...(uris && { uris }) });
    this.changed.fire(session);
    return answer;
  }

  async list(): Promise<void> {
    const listed = await this.server.request("ds4/agent/list", {});
    const known = new Map(this.sessions.map((session) => [session.id, session]));
    this.sessions = listed.map(({ session, title, folder, running, updated }) => {
      const one = known.get(session) ?? new Session(session, title, folder, running, updated);
      known.delete(session);
      return Object.assign(one, { title, folder, running, updated });
    });
    // One that began while the list was on its way.
    this.sessions.unshift(...[...known.values()].filter(({ running }) => running));
    this.changed.fire(undefined);
  }

  private hear(id: string, event: AgentEvent): void {
    const session = this.known(id);
    session.hear(event, Date.now());
    if (event.type === "item.updated") this.soon(session);
    else this.changed.fire(session);
  }

  /** What is written comes in thousands of pieces; the view is made anew a few times a second. */
  private soon(session: Session): void {
    if (this.waiting.has(session)) return;
    const fire = (): void => {
      this.waiting.delete(session);
      this.changed.fire(session);
    };
    this.waiting.set(session, setTimeout(fire, SOON_MS));
  }

  private known(id: string): Session {
    const found = this.sessions.find((session) => session.id === id);
    if (found) return found;
    const fresh = new Session(id, "", "", true, Date.now() / 1000);
    this.sessions.unshift(fresh);
    this.changed.fire(undefined);
    return fresh;
  }

  /** The server ended, and with it what was at work. */
  private lost(): void {
    for (const session of this.sessions) {
      if (session.running) session.hear({ type: "session.completed", status: "interrupted" }, Date.now());
    }
    this.changed.fire(undefined);
  }
}
