// Stands in for the package of the same name, whose table of 2,125 names is larger than all the rest of markdown-it.
// A name that is not here is shown as it was written. (The page may not ask the browser: its parser of HTML is closed.)

const NAMED: Record<string, string> = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", copy: "©", reg: "®", trade: "™", hellip: "…",
  ndash: "–", mdash: "—", lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”", laquo: "«", raquo: "»", bull: "•", middot: "·",
  times: "×", divide: "÷", plusmn: "±", minus: "−", deg: "°", micro: "µ", para: "¶", sect: "§", euro: "€", pound: "£",
  yen: "¥", cent: "¢", larr: "←", uarr: "↑", rarr: "→", darr: "↓", harr: "↔", ne: "≠", le: "≤", ge: "≥", asymp: "≈",
  infin: "∞", sum: "∑", radic: "√", alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ε", lambda: "λ", mu: "μ",
  pi: "π", sigma: "σ", omega: "ω", Delta: "Δ", Sigma: "Σ", Omega: "Ω", auml: "ä", ouml: "ö", uuml: "ü", Auml: "Ä",
  Ouml: "Ö", Uuml: "Ü", szlig: "ß", eacute: "é", egrave: "è", agrave: "à", ccedil: "ç", ntilde: "ñ", check: "✓",
};

function character(code: number): string {
  return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) ? String.fromCodePoint(code) : "\ufffd";
}

export function decodeHTML(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([A-Za-z][A-Za-z0-9]*));/gi, (whole, hex, decimal, name) => {
    if (hex) return character(parseInt(hex, 16));
    if (decimal) return character(parseInt(decimal, 10));
    return (Object.hasOwn(NAMED, name) ? NAMED[name] : undefined) ?? whole;
  });
}
export const decodeHTMLStrict = decodeHTML;
