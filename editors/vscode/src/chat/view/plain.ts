// Text without any form, in lines. It only grows: what was shown is not touched again, however long the text
// or one of its lines becomes, because a browser lays each line out for itself.

const WIDEST = 1000;

export class Plain {
  private last: HTMLElement;
  private lineText = "";

  constructor(readonly element: HTMLElement) {
    this.last = this.line();
  }

  append(text: string): void {
    text.split("\n").forEach((piece, n) => {
      if (n > 0) this.next();
      this.lineText += piece;
      while (this.lineText.length > WIDEST) this.cut();
      this.last.textContent = this.lineText;
    });
  }

  /** A line that is too long goes on in another one; no sign is cut in two. */
  private cut(): void {
    const at = isHigh(this.lineText.charCodeAt(WIDEST - 1)) ? WIDEST - 1 : WIDEST;
    this.last.textContent = this.lineText.slice(0, at);
    this.last = this.line();
    this.lineText = this.lineText.slice(at);
  }

  private next(): void {
    this.last.textContent = `${this.lineText}\n`;
    this.last = this.line();
    this.lineText = "";
  }

  private line(): HTMLElement {
    const line = document.createElement("span");
    line.className = "line";
    this.element.append(line);
    return line;
  }
}

export function plain(tag: "div" | "span" | "p", text: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = "plain";
  element.dir = "auto";
  new Plain(element).append(text);
  return element;
}

const isHigh = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;
