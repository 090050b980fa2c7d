// What the next question is about.

import * as vscode from "vscode";

import type { Server } from "../client";
import type { Context } from "../protocol";
import { chipLabel, contextLabel, lines } from "./conversation";
import type { Chip } from "./protocol";

interface Attached {
  readonly chip: Chip;
  readonly context: Context;
}

export class Attachments {
  private held = new Map<string, Attached>();
  /** What was held before a question was taken up again. */
  private before: Map<string, Attached> | undefined;

  constructor(
    private readonly server: Server,
    private readonly changed: (chips: Chip[]) => void,
  ) {}

  get chips(): Chip[] {
    return [...this.held.values()].map(({ chip }) => chip);
  }

  /** What was attached; the next question begins without it. */
  take(): Context[] {
    const held = [...this.held.values()];
    this.held.clear();
    this.before = undefined;
    this.changed(this.chips);
    return held.map(({ context }) => context);
  }

  /** A question is taken up again, and so is what it was about. */
  again(contexts: readonly Context[]): void {
    this.before ??= this.held;
    this.held = new Map();
    for (const context of contexts) this.hold(context);
    this.changed(this.chips);
  }

  /** It stays as it was after all. */
  keep(): void {
    if (!this.before) return;
    this.held = this.before;
    this.before = undefined;
    this.changed(this.chips);
  }

  /** Why it cannot be; undefined where it was attached. */
  add(kind: "selection" | "file" | "diagnostics", editor = vscode.window.activeTextEditor): string | undefined {
    const document = editor?.document;
    if (!editor || !document || !["file", "untitled"].includes(document.uri.scheme)) return "No file is open.";
    if (kind === "selection" && editor.selection.isEmpty) return "Nothing is selected.";
    const { code2ProtocolConverter: protocol } = this.server.converters;
    const uri = protocol.asUri(document.uri);
    const found = vscode.languages.getDiagnostics(document.uri);
    if (kind === "diagnostics" && found.length === 0) return `There are no problems in ${chipLabel("file", uri)}.`;
    const context: Context = { kind, uri };
    if (kind === "selection") context.range = protocol.asRange(editor.selection);
    if (kind === "diagnostics") {
      context.diagnostics = found.map(({ range, message, severity }) => ({
        range: protocol.asRange(range),
        message,
        severity: (severity + 1) as 1 | 2 | 3 | 4,
      }));
    }
    this.hold(context);
    this.changed(this.chips);
    return undefined;
  }

  remove(id: string): void {
    if (this.held.delete(id)) this.changed(this.chips);
  }

  private hold(context: Context): void {
    const { kind, uri, range } = context;
    const id = `${kind} ${uri}${lines(range)}`;
    const path = vscode.workspace.asRelativePath(this.server.converters.protocol2CodeConverter.asUri(uri));
    this.held.set(id, { chip: { id, label: contextLabel(context), title: path + lines(range) }, context });
  }
}
