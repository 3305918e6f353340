/**
 * `src/app.py:42` within a text: leads to that line where the file is shared, else to where the agent last changed it.
 */
import { createContext, type ReactNode, useContext } from "react";

/** Where in the file: a line, counted from 1, and a thread of comments there. */
export interface FilePlace {
  line?: number;
  version?: string;
  thread?: string;
}

export interface FileLinks {
  /** Whether there is somewhere to lead to. */
  has: (file: string) => boolean;
  show: (file: string, place?: FilePlace) => void;
}

export const FileLinksContext = createContext<FileLinks | null>(null);

export function FileLinksProvider({ links, children }: { links: FileLinks; children: ReactNode }) {
  return <FileLinksContext value={links}>{children}</FileLinksContext>;
}

/** A name with an extension that begins with a letter, or any name within a folder; then a line, or a range of them. */
const PLACE = /(?<![\w/.:@-])((?:[\w.@+-]+\/)+[\w.@+-]+|[\w@+-][\w.@+-]*\.[A-Za-z]\w{0,9}):(\d{1,7})(?:-\d{1,7})?(?![\w/:])/g;

interface Place {
  text: string;
  file: string;
  line: number;
}

/** The text in order, its places apart. Pure. */
export function splitRefs(text: string): (string | Place)[] {
  const parts: (string | Place)[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACE)) {
    const [whole, file = "", line] = match;
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push({ text: whole, file, line: Number(line) });
    at = match.index + whole.length;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

/** The agent's path may be longer than what people write: `src/app.py` is also `/srv/shop/src/app.py`. */
export function isSameFile(path: string, file: string): boolean {
  const wanted = file.replace(/^\.\//, "");
  return path === wanted || path.endsWith(`/${wanted}`);
}

interface Node {
  type: string;
  tagName?: string;
  value?: string;
  properties?: Record<string, unknown>;
  children?: Node[];
}

/** A rehype plugin. It runs after the sanitiser: what it adds did not come with the text. */
export function markFileRefs() {
  return (tree: Node) => mark(tree);
}

function mark(node: Node): void {
  if (node.tagName === "a" || node.tagName === "pre") return;
  node.children = node.children?.flatMap((child) => {
    if (child.type !== "text") {
      mark(child);
      return [child];
    }
    const parts = splitRefs(child.value ?? "");
    if (parts.length === 1 && typeof parts[0] === "string") return [child];
    return parts.map((part): Node => {
      if (typeof part === "string") return { type: "text", value: part };
      const text: Node = { type: "text", value: part.text };
      return { type: "element", tagName: "span", properties: { dataFile: part.file, dataLine: part.line }, children: [text] };
    });
  });
}

/** A span of Markdown: a place if it is one that this session knows, else as it is. */
export function FileRef({
  file,
  line,
  children,
}: {
  file: string | undefined;
  line?: number | undefined;
  children?: ReactNode;
}) {
  const links = useContext(FileLinksContext);
  if (file === undefined || !links?.has(file)) return <span>{children}</span>;
  return (
    <button
      type="button"
      title={`Show ${file}${line ? `, line ${line}` : ""}`}
      onClick={() => links.show(file, { line })}
      className="text-accent decoration-accent/50 rounded font-mono text-[0.92em] break-all underline underline-offset-2"
    >
      {children}
    </button>
  );
}
