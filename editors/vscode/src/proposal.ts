// An edit that was proposed for a document, as hunks that are accepted or rejected one by one.
//
// Offsets are in UTF-16 units of the document as it is now: accepting a hunk, and whatever the user types meanwhile,
// moves those behind it. A hunk whose own text the user has changed is no longer what was proposed, and is dropped.

export interface Hunk {
  start: number;
  end: number;
  text: string;
}

export interface Change {
  offset: number;
  removed: number;
  text: string;
}

/** What was decided at once. `text` is what was there before, `proposed` what was to be there instead. */
interface Decision {
  readonly accepted: boolean;
  readonly hunks: readonly Decided[];
}

type Decided = Hunk & { readonly proposed: string };

export class Proposal {
  private open: Hunk[];
  private decisions: Decision[] = [];

  constructor(hunks: readonly Hunk[]) {
    this.open = [...hunks].sort((a, b) => a.start - b.start || a.end - b.end);
    this.open.forEach((hunk, i) => {
      const before = this.open[i - 1];
      if (hunk.end < hunk.start || (before && hunk.start < before.end)) throw new RangeError("hunks overlap");
    });
  }

  /** Those that nobody has decided about. */
  get hunks(): readonly Hunk[] {
    return this.open;
  }

  /** The document with all of them in it. */
  text(document: string): string {
    let found = "";
    let at = 0;
    for (const { start, end, text } of this.open) {
      found += document.slice(at, start) + text;
      at = end;
    }
    return found + document.slice(at);
  }

  /** The one at an offset of `text`, else the nearest one behind it, else the last one. */
  inText(offset: number): Hunk | undefined {
    let shift = 0;
    for (const hunk of this.open) {
      if (offset <= hunk.start + shift + hunk.text.length) return hunk;
      shift += hunk.text.length - (hunk.end - hunk.start);
    }
    return this.open.at(-1);
  }

  /** The one at an offset of the document, else the nearest one behind it, else the last one. */
  inDocument(offset: number): Hunk | undefined {
    return this.open.find((hunk) => offset <= hunk.end) ?? this.open.at(-1);
  }

  /** It is decided about; if it was accepted, the change it makes in the document is still to come. */
  settle(hunk: Hunk): void {
    this.open = this.open.filter((other) => other !== hunk);
  }

  /** They were settled, without a change of the document. */
  rejected(hunks: readonly Hunk[]): void {
    this.decisions.push({ accepted: false, hunks: hunks.map((hunk) => ({ ...hunk, proposed: hunk.text })) });
  }

  /** They were settled, and the document has them now; `replaced`: what it had there before, of each. */
  accepted(hunks: readonly Hunk[], replaced: readonly string[]): void {
    let shift = 0;
    const made = hunks.map(({ start, end, text }, i): Decided => {
      const at = start + shift;
      shift += text.length - (end - start);
      return { start: at, end: at + text.length, text: replaced[i] ?? "", proposed: text };
    });
    this.decisions.push({ accepted: true, hunks: made });
  }

  /** Forget the last decision; what the document has to become for that, and what is proposed again then. */
  takeBack(): { change: readonly Hunk[]; again: readonly Hunk[] } | undefined {
    const last = this.decisions.pop();
    if (!last) return undefined;
    if (!last.accepted) return { change: [], again: last.hunks };
    let shift = 0;
    const again = last.hunks.map(({ start, end, text, proposed }): Hunk => {
      const at = start + shift;
      shift += text.length - (end - start);
      return { start: at, end: at + text.length, text: proposed };
    });
    return { change: last.hunks, again };
  }

  /** They are proposed again. */
  reopen(hunks: readonly Hunk[]): void {
    this.open = [...this.open, ...hunks].sort((a, b) => a.start - b.start || a.end - b.end);
  }

  /** What `hunks` was before: the change was not made after all. */
  restore(hunks: readonly Hunk[]): void {
    this.open = [...hunks];
  }

  /** The document has changed. Whether hunks were dropped; decisions about what was changed cannot be taken back. */
  change(change: Change): boolean {
    const before = this.open.length;
    // The document's own undo and redo make what was to be inserted, or bring back what was deleted, at a point that is
    // no hunk's text: these would otherwise be done twice.
    this.open = moved(this.open.filter((hunk) => !inserts(change, hunk)), change);
    this.decisions = this.decisions
      .map(({ accepted, hunks }) => ({
        accepted,
        hunks: moved(accepted ? hunks.filter((hunk) => !inserts(change, hunk)) : hunks, change),
      }))
      .filter(({ hunks }) => hunks.length > 0);
    return this.open.length < before;
  }
}

/** Whether a change puts a hunk's text, and nothing but it, where the hunk has none in the document. */
function inserts({ offset, removed, text }: Change, hunk: Hunk): boolean {
  return hunk.start === hunk.end && offset === hunk.start && removed === 0 && text === hunk.text;
}

/** Where they are after a change, without those that it touched. */
function moved<H extends Hunk>(hunks: readonly H[], { offset, removed, text }: Change): H[] {
  const end = offset + removed;
  const shift = text.length - removed;
  return hunks.flatMap((hunk) => {
    if (hunk.end < offset || (hunk.end === offset && hunk.end > hunk.start)) return [hunk];
    if (end <= hunk.start) return [{ ...hunk, start: hunk.start + shift, end: hunk.end + shift }];
    return [];
  });
}
