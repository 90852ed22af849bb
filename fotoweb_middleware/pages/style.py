"""The look of every page of ours: one style sheet, written into each page, and its fingerprint.

Two rules. Nothing is loaded from anywhere: fonts are the reader's own. Every colour is one of the custom properties
below, in a light and a dark value, so that the tests can compute each contrast from the very bytes that are sent.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

__all__ = ["STYLE", "STYLE_SOURCE"]

STYLE: Final = """
:root {
  color-scheme: light dark;
  --page: #f3f2ee; --sheet: #ffffff; --aside: #faf9f6; --line: #dedbd2; --edge: #7d7a71;
  --ink: #1b1f23; --quiet: #575c62; --accent: #0b5666; --on-accent: #ffffff; --shade: #1b1f2312;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #121517; --sheet: #1b1f22; --aside: #171a1d; --line: #32383c; --edge: #7f888e;
    --ink: #e9e7e2; --quiet: #a8aeb3; --accent: #84c9d6; --on-accent: #0b1d22; --shade: #00000040;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 44rem; padding: clamp(1rem, 6vh, 4.5rem) clamp(1rem, 4vw, 2rem) 2rem;
  background: var(--page); color: var(--ink); overflow-wrap: break-word; }
header { display: flex; align-items: center; gap: .625rem; margin: 0 0 1rem; color: var(--quiet);
  font-size: .9375rem; font-weight: 600; }
header svg { flex: none; width: 1.75rem; height: 1.75rem; color: var(--accent); }
header p { margin: 0; }
main { background: var(--sheet); border: 1px solid var(--line); border-radius: .75rem; overflow: hidden;
  box-shadow: 0 1px 2px var(--shade), 0 .75rem 2rem -1rem var(--shade); }
.message, .operator { padding: clamp(1.25rem, 5vw, 2.5rem); }
h1 { margin: 0 0 1.25rem; font-size: clamp(1.5rem, 1.25rem + 1.5vw, 2rem); line-height: 1.2; font-weight: 650;
  letter-spacing: -.015em; text-wrap: balance; }
.message > p, .message > ul, .message > ol { margin: 0 0 1rem; max-width: 36rem; font-size: 1.0625rem;
  text-wrap: pretty; }
ul, ol { padding-left: 1.375rem; }
li { margin: .25rem 0; padding-left: .25rem; }
li::marker { color: var(--quiet); }
figure { margin: 1.5rem 0; padding: .125rem 0 .125rem 1.125rem; border-left: .25rem solid var(--accent); }
figcaption { color: var(--quiet); font-size: .875rem; }
blockquote { margin: .25rem 0 0; font-size: 1.0625rem; overflow-wrap: anywhere; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.75rem 0 0; }
form { margin: 0; }
.action { display: inline-block; min-height: 2.75rem; padding: .5625rem 1.25rem; border: 1px solid var(--edge);
  border-radius: .5rem; background: transparent; color: var(--accent); font: inherit; font-weight: 600;
  line-height: 1.5; text-align: center; text-decoration: none; cursor: pointer; }
.first { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.action:hover { text-decoration: underline; text-underline-offset: .2em; }
:focus-visible { outline: .1875rem solid var(--accent); outline-offset: .1875rem; }
.operator { padding-top: 1.5rem; padding-bottom: 1.75rem; border-top: 1px solid var(--line);
  background: var(--aside); font-size: .9375rem; line-height: 1.55; }
h2 { margin: 0 0 .875rem; color: var(--quiet); font-size: .9375rem; line-height: 1.4; font-weight: 600; }
dl, dd { margin: 0; }
dl > div + div { margin-top: .875rem; }
dt { font-weight: 600; }
code { font: .9375em/1.4 ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "Liberation Mono", monospace;
  overflow-wrap: anywhere; }
footer { margin: 1rem 0 0; color: var(--quiet); font-size: .875rem; }
footer p { margin: 0; }
footer code { display: inline-block; }
@media (min-width: 40rem) {
  dl > div { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); column-gap: 1.5rem; }
}
@media (max-width: 25rem) {
  .actions > *, .actions form .action { width: 100%; }
}
"""

# The hash covers the text between <style> and </style>, byte for byte (CSP Level 3, section 6.7.3.3).
STYLE_SOURCE: Final = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
