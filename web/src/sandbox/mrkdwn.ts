/** Reads Slack's mrkdwn into a small tree. Pure; the page draws the tree, so no text ever becomes HTML by itself. */

export type Node =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "fence"; text: string }
  | { kind: "bold" | "italic" | "strike" | "quote"; children: Node[] }
  | { kind: "user" | "channel"; id: string; label?: string }
  | { kind: "broadcast"; range: string }
  | { kind: "link"; url: string; label: string }
  | { kind: "emoji"; name: string };

const STYLES = { "*": "bold", _: "italic", "~": "strike" } as const;
const TOKEN = new RegExp(
  [
    "\\n?```(?<fence>[\\s\\S]*?)```\\n?",
    "`(?<code>[^`\\n]+)`",
    "<(?<angle>[^<>\\n]+)>",
    ":(?<emoji>[a-z0-9_+'-]+):",
    "(?<![\\w*_~])(?<mark>[*_~])(?<styled>[^\\s](?:[^\\n]*?[^\\s])??)\\k<mark>(?![\\w*_~])",
  ].join("|"),
  "g",
);

/** A quoted line; apps may send the sign as it is, people's clients send it escaped. */
const QUOTE = /^(?:&gt;|>) ?/;

export function unescape(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function parse(source: string): Node[] {
  const nodes: Node[] = [];
  let quoted: string[] = [];
  let plain: string[] = [];
  const flush = () => {
    if (quoted.length) nodes.push({ kind: "quote", children: inline(quoted.join("\n")) });
    if (plain.length) nodes.push(...inline(plain.join("\n")));
    quoted = [];
    plain = [];
  };
  let inFence = false;
  for (const line of source.split("\n")) {
    const isQuote = !inFence && QUOTE.test(line);
    if (isQuote && plain.length) flush();
    if (!isQuote && quoted.length) flush();
    if (isQuote) quoted.push(line.replace(QUOTE, ""));
    else plain.push(line);
    if ((line.match(/```/g)?.length ?? 0) % 2) inFence = !inFence;
  }
  flush();
  return nodes;
}

function inline(source: string): Node[] {
  const nodes: Node[] = [];
  let position = 0;
  for (const match of source.matchAll(TOKEN)) {
    if (match.index > position) nodes.push({ kind: "text", text: unescape(source.slice(position, match.index)) });
    nodes.push(nodeOf(match));
    position = match.index + match[0].length;
  }
  if (position < source.length) nodes.push({ kind: "text", text: unescape(source.slice(position)) });
  return nodes;
}

function nodeOf(match: RegExpMatchArray): Node {
  const { fence, code, angle, emoji, mark, styled } = match.groups ?? {};
  if (fence !== undefined) return { kind: "fence", text: unescape(fence.replace(/^\n|\n$/g, "")) };
  if (code !== undefined) return { kind: "code", text: unescape(code) };
  if (angle !== undefined) return angleNode(angle);
  if (emoji !== undefined) return { kind: "emoji", name: emoji };
  return { kind: STYLES[mark as keyof typeof STYLES], children: inline(styled ?? "") };
}

function angleNode(inside: string): Node {
  const [target = "", label] = inside.split("|", 2);
  if (target.startsWith("@")) return { kind: "user", id: target.slice(1), ...(label ? { label } : {}) };
  if (target.startsWith("#")) return { kind: "channel", id: target.slice(1), ...(label ? { label } : {}) };
  if (target.startsWith("!date")) return { kind: "text", text: unescape(label ?? "") };
  if (target.startsWith("!")) return { kind: "broadcast", range: target.slice(1) };
  return { kind: "link", url: unescape(target), label: unescape(label ?? target.replace(/^mailto:/, "")) };
}

/** Links that may be followed; anything else (`javascript:` above all) is drawn as text. */
export function isSafeUrl(url: string): boolean {
  return /^(https?:|mailto:|\/)/i.test(url);
}
