// Text of a model as text that shows what it holds: signs that would act on a terminal, or reorder what is
// read (UAX #9; "Trojan Source"), are shown by name instead of acting.

const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g;
const PICTURES = 0x2400;

/** Line ends become \n, control characters their pictures (ESC is ␛), marks of direction their code in ⟨⟩. */
export function visible(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL, (sign) => String.fromCharCode(PICTURES + sign.charCodeAt(0)))
    .replace(/[\u007f\u0080-\u009f]/g, (sign) => (sign === "\u007f" ? "\u2421" : named(sign)))
    .replace(BIDI, named);
}

function named(sign: string): string {
  return `⟨U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
}

/** The same for text that comes in pieces: a carriage return waits for what follows it. */
export class Visible {
  private held = "";

  feed(piece: string): string {
    const text = this.held + piece;
    this.held = text.endsWith("\r") ? "\r" : "";
    return visible(this.held ? text.slice(0, -1) : text);
  }

  end(): string {
    const text = visible(this.held);
    this.held = "";
    return text;
  }
}
