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

export class Proposal {
  private open: Hunk[];

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

  /** What `hunks` was before: the change was not made after all. */
  restore(hunks: readonly Hunk[]): void {
    this.open = [...hunks];
  }

  /** The document has changed. Whether hunks were dropped. */
  change({ offset, removed, text }: Change): boolean {
    const end = offset + removed;
    const before = this.open.length;
    const shift = text.length - removed;
    this.open = this.open.flatMap((hunk) => {
      if (hunk.end < offset || (hunk.end === offset && hunk.end > hunk.start)) return [hunk];
      if (end <= hunk.start) return [{ start: hunk.start + shift, end: hunk.end + shift, text: hunk.text }];
      return [];
    });
    return this.open.length < before;
  }
}
