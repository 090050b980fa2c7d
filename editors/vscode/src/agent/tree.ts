// The agent's sessions, their steps, and what they changed.

import * as vscode from "vscode";

import { visible } from "../chat/view/visible";
import { type Changed } from "./differences";
import { summary } from "./figures";
import { type Session, type Step, type StepKind } from "./session";

export type Node =
  | { readonly type: "session"; readonly session: Session }
  | { readonly type: "step"; readonly session: Session; readonly step: Step }
  | { readonly type: "changes"; readonly session: Session }
  | { readonly type: "change"; readonly session: Session; readonly file: Changed };

const ICONS: Readonly<Record<StepKind, string>> = {
  message: "comment",
  reasoning: "lightbulb",
  command: "terminal",
  change: "diff",
  tool: "tools",
  warning: "warning",
  error: "error",
};
const MOST_TOOLTIP = 4000;

export class Tree implements vscode.TreeDataProvider<Node> {
  private readonly changed = new vscode.EventEmitter<Node | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly nodes = new Map<Session, Node>();

  constructor(
    private readonly sessions: () => readonly Session[],
    private readonly changes: (session: Session) => Promise<readonly Changed[]>,
  ) {}

  /** One session, or all. */
  refresh(session?: Session): void {
    this.changed.fire(session && this.node(session));
  }

  node(session: Session): Node {
    const known = this.nodes.get(session) ?? { type: "session", session };
    this.nodes.set(session, known);
    return known;
  }

  getParent({ type, session }: Node): Node | undefined {
    return type === "session" ? undefined : this.node(session);
  }

  async getChildren(node?: Node): Promise<Node[]> {
    if (!node) return this.sessions().map((session) => this.node(session));
    const { session } = node;
    if (node.type === "session") {
      return [...session.steps.map((step): Node => ({ type: "step", session, step })), { type: "changes", session }];
    }
    if (node.type !== "changes") return [];
    return (await this.changes(session)).map((file) => ({ type: "change", session, file }));
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const item = this.item(node);
    item.accessibilityInformation = {
      label: [item.label, item.description].filter((text) => typeof text === "string").join(", "),
    };
    return item;
  }

  private item(node: Node): vscode.TreeItem {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    if (node.type === "session") return sessionItem(node.session);
    if (node.type === "step") return stepItem(node, node.step);
    if (node.type === "changes") {
      const item = new vscode.TreeItem("Changes", node.session.running ? Collapsed : Expanded);
      // The editor keeps what is open by this; at the end of a turn it is made anew, and opened.
      item.id = `${node.session.id} changes ${node.session.running}`;
      item.iconPath = new vscode.ThemeIcon("files");
      return item;
    }
    const uri = vscode.Uri.parse(node.file.uri);
    const item = new vscode.TreeItem(uri, None);
    item.description = { add: "added", update: "changed", delete: "deleted" }[node.file.kind];
    item.label = visible(vscode.workspace.asRelativePath(uri));
    item.contextValue = "change";
    item.command = { command: "ds4agent.agent.openChange", title: "Open the Differences", arguments: [node] };
    return item;
  }
}

function sessionItem(session: Session): vscode.TreeItem {
  const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
  const item = new vscode.TreeItem(visible(session.title || "Session"), session.running ? Expanded : Collapsed);
  item.id = session.id;
  item.description = summary(session, Date.now());
  item.tooltip = `${visible(session.title)}\n${item.description}`;
  item.contextValue = session.running ? "running" : "ended";
  item.iconPath = new vscode.ThemeIcon(session.running ? "loading~spin" : icon(session.status));
  return item;
}

const icon = (status: string | undefined): string =>
  status === undefined ? "history" : status === "completed" ? "check" : status === "interrupted" ? "debug-pause" : "error";

function stepItem(node: Node, step: Step): vscode.TreeItem {
  const item = new vscode.TreeItem(visible(step.title) || "…", vscode.TreeItemCollapsibleState.None);
  item.id = `${node.session.id} ${step.id}`;
  item.description = step.state === "running" ? "…" : step.note;
  item.tooltip = visible(step.text.slice(0, MOST_TOOLTIP));
  const colour = step.state === "failed" ? new vscode.ThemeColor("errorForeground") : undefined;
  item.iconPath = new vscode.ThemeIcon(ICONS[step.kind], colour);
  item.contextValue = "step";
  item.command = { command: "ds4agent.agent.openChange", title: "Open", arguments: [node] };
  return item;
}
