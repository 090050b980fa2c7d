// What the next question is about.

import * as vscode from "vscode";

import type { Server } from "../client";
import type { Context } from "../protocol";
import { chipLabel } from "./conversation";
import type { Chip } from "./protocol";

interface Attached {
  readonly chip: Chip;
  readonly context: Context;
}

export class Attachments {
  private readonly held = new Map<string, Attached>();

  constructor(
    private readonly server: Server,
    private readonly changed: (chips: Chip[]) => void,
  ) {}

  get chips(): Chip[] {
    return [...this.held.values()].map(({ chip }) => chip);
  }

  /** What was attached; the next question begins without it. */
  take(): { contexts: Context[]; labels: string[] } {
    const held = [...this.held.values()];
    this.held.clear();
    this.changed(this.chips);
    return { contexts: held.map(({ context }) => context), labels: held.map(({ chip }) => chip.label) };
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
    this.hold(kind, uri, context, vscode.workspace.asRelativePath(document.uri));
    return undefined;
  }

  remove(id: string): void {
    if (this.held.delete(id)) this.changed(this.chips);
  }

  private hold(kind: Context["kind"], uri: string, context: Context, path: string): void {
    const { start, end } = context.range ?? {};
    const lines = start && end ? `:${start.line + 1}-${end.line + (end.character > 0 ? 1 : 0)}` : "";
    const id = `${kind} ${uri}${lines}`;
    const chip = { id, label: chipLabel(kind, uri) + lines, title: `${path}${lines}` };
    this.held.set(id, { chip, context });
    this.changed(this.chips);
  }
}
