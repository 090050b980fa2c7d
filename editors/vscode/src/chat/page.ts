// The page of the chat. Its policy lets only the two files of ours in, nothing be fetched, and no text become
// script by whatever way (trusted types).

export interface Sources {
  readonly nonce: string;
  readonly cspSource: string;
  readonly script: string;
  readonly style: string;
}

export function page({ nonce, cspSource, script, style }: Sources): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${cspSource}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>ds4agent chat</title>
</head>
<body>
<header>
<label class="hidden" for="conversations">Conversation</label>
<select id="conversations"></select>
<button id="new" type="button">New</button>
<button id="delete" type="button">Delete</button>
</header>
<main id="turns" aria-label="Conversation" tabindex="0"></main>
<p id="working" aria-hidden="true"></p>
<div id="said" class="hidden" role="status" aria-live="polite"></div>
<form id="composer" aria-label="Ask">
<ul id="chips" aria-label="About"></ul>
<div role="toolbar" aria-label="Add what the question is about">
<button type="button" data-attach="selection">+ Selection</button>
<button type="button" data-attach="file">+ File</button>
<button type="button" data-attach="diagnostics">+ Problems</button>
</div>
<p id="editing" hidden><span>Asking again; what follows it is answered anew.</span> <button id="keep" type="button">Keep as it was</button></p>
<label class="hidden" for="question">Question</label>
<textarea id="question" rows="3" placeholder="Ask about the code (Enter sends, Shift+Enter is a new line)"></textarea>
<div class="send">
<button id="stop" type="button" hidden>Stop</button>
<button id="send" type="submit">Send</button>
</div>
</form>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
}
