/** `@names` within a text, marked; those that call this person stand out. */
import type { ReactNode } from "react";
import { useSession } from "~/session/context";

interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** A rehype plugin, for after the sanitiser. `names` stand one a line; code is left as it is. */
export function markMentions(names: string) {
  const known = names.split("\n").filter(Boolean);
  return (tree: Node) => mark(tree, known);
}

function mark(node: Node, names: readonly string[]): void {
  if (node.tagName === "a" || node.tagName === "pre" || node.tagName === "code") return;
  node.children = node.children?.flatMap((child) => {
    if (child.type !== "text") {
      mark(child, names);
      return [child];
    }
    const parts = splitMentions(child.value ?? "", names);
    if (parts.length === 1 && typeof parts[0] === "string") return [child];
    return parts.map((part): Node => {
      if (typeof part === "string") return { type: "text", value: part };
      const text: Node = { type: "text", value: part.text };
      return { type: "element", tagName: "span", properties: { dataMention: part.name }, children: [text] };
    });
  });
}

/** The text in order, its mentions apart; of two names that fit, the longer one is meant. Pure. */
export function splitMentions(text: string, names: readonly string[]): (string | { text: string; name: string })[] {
  const known = [...names, "here"].toSorted((a, b) => b.length - a.length);
  const parts: (string | { text: string; name: string })[] = [];
  let plain = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    if (at > 0 && /[\p{L}\p{N}_@]/u.test(text[at - 1] ?? "")) continue;
    const rest = text.slice(at + 1);
    const name = known.find(
      (one) =>
        rest.slice(0, one.length).toLocaleLowerCase() === one.toLocaleLowerCase() &&
        !/^[\p{L}\p{N}_]/u.test(rest.slice(one.length)),
    );
    if (name === undefined) continue;
    const end = at + 1 + name.length;
    if (at > plain) parts.push(text.slice(plain, at));
    parts.push({ text: text.slice(at, end), name });
    plain = end;
    at = end - 1;
  }
  if (plain < text.length || parts.length === 0) parts.push(text.slice(plain));
  return parts;
}

export function Mention({ name, children }: { name: string; children: ReactNode }) {
  const isMe = useSession(({ you }) => name === "here" || you?.username === name || you?.username.split(/\s+/)[0] === name);
  const look = isMe ? "bg-warn-soft text-warn font-semibold" : "bg-info-soft text-info font-medium";
  return (
    <span className={`rounded px-0.5 ${look}`} title={name === "here" ? "Everyone who was here then" : undefined}>
      {children}
    </span>
  );
}
