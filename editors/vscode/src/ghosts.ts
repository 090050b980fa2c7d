// What becomes of a suggestion: typed, accepted in part or in full, dismissed. VS Code tells extensions only of a full
// accept (by the item's command), so the rest is read off the document's changes.

export interface Ghost {
  /** The first argument of the item's command. */
  id: string;
  uri: string;
  /** Where its rest begins, in UTF-16 units from the start of the document. */
  offset: number;
  /** What is left of it. */
  rest: string;
}

export interface Change {
  offset: number;
  /** UTF-16 units that it replaces. */
  removed: number;
  text: string;
}

export interface Telling {
  shown(id: string): void;
  accepted(id: string, length: number): void;
  dismissed(id: string): void;
}

export class Ghosts {
  private current: Ghost | undefined;
  /** Alternatives in the same place. Which one is on the screen VS Code does not tell; what is typed or accepted does. */
  private others: Ghost[] = [];
  /** While an accept of a part is carried out: the change it makes may be as short as a key's. */
  accepting = false;

  constructor(private readonly tell: Telling) {}

  get live(): Ghost | undefined {
    return this.current;
  }

  /** One is on the screen. If it says what is left of the one before, the user sees no new one. */
  show(ghost: Ghost, ...others: Ghost[]): void {
    const before = this.current;
    const same = before && before.uri === ghost.uri && before.offset === ghost.offset && (ghost.rest.startsWith(before.rest) || before.rest.startsWith(ghost.rest));
    if (before && !same) this.dismiss();
    this.current = ghost;
    // Those that VS Code has got stay while what it is told of later is the same as before.
    if (!same || others.length > 0) this.others = others;
    if (!same) this.tell.shown(ghost.id);
  }

  /** The whole rest was accepted; the item's command has told the server. */
  complete(id: string): void {
    if ([this.current, ...this.others].some((ghost) => ghost?.id === id)) this.leave();
  }

  change(uri: string, changes: readonly Change[], undone: boolean): void {
    const ghost = this.current;
    if (!ghost || ghost.uri !== uri) return;
    const [only] = changes;
    const follows = only && changes.length === 1 && !undone && only.offset === ghost.offset && only.removed === 0;
    const fit = follows ? [ghost, ...this.others].filter(({ rest }) => rest.startsWith(only.text)) : [];
    const [first, ...others] = fit;
    if (!only || !first) return this.dismiss();
    if (first !== ghost) {
      this.tell.dismissed(ghost.id);
      this.tell.shown(first.id);
    }
    this.advance(first, others, only.text);
  }

  /** The cursor is elsewhere. */
  moved(uri: string, offset: number): void {
    if (this.current && (this.current.uri !== uri || this.current.offset !== offset)) this.dismiss();
  }

  dismiss(): void {
    const ghost = this.current;
    this.leave();
    if (ghost) this.tell.dismissed(ghost.id);
  }

  private leave(): void {
    this.current = undefined;
    this.others = [];
  }

  private advance(ghost: Ghost, others: Ghost[], text: string): void {
    const on = (one: Ghost): Ghost => ({ ...one, offset: one.offset + text.length, rest: one.rest.slice(text.length) });
    const next = on(ghost);
    // A full accept inserts all that is left, and is told of by the item's command.
    if (!next.rest) return this.leave();
    this.current = next;
    this.others = others.map(on).filter(({ rest }) => rest);
    // The server counts a line's end as one.
    if (this.accepting || text.length > 1) this.tell.accepted(ghost.id, text.replaceAll("\r\n", "\n").length);
  }
}

/** Whether an entry that is selected in IntelliSense's list says something else than what is typed, or than the
 * suggestion that is known already: whatever the server said would not be shown. */
export function disagrees(typed: string, selected: string, ghost: Pick<Ghost, "rest"> | undefined): boolean {
  if (!selected.startsWith(typed)) return true;
  if (!ghost) return false;
  const said = typed + ghost.rest;
  return !said.startsWith(selected);
}
