/** Markdown from the agent and from people: sanitised, without remote images, with highlighted code. */
import { memo, type ReactElement } from "react";
import ReactMarkdown, { type Components, type Options } from "react-markdown";
import rehypeSanitize, { defaultSchema } from "rehype-sanitize";
import remarkGfm from "remark-gfm";
import { recent } from "~/lib/recent";
import { CodeBlock } from "./code-block";
import { FileRef, markFileRefs } from "./file-refs";
import { markMentions, Mention } from "./mentions";
import "./code.css";

const schema = {
  ...defaultSchema,
  attributes: { ...defaultSchema.attributes, code: [["className", /^language-[\w+#.-]+$/]] },
} as typeof defaultSchema;

const components: Components = {
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noreferrer noopener nofollow">
      {children}
    </a>
  ),
  // An image from elsewhere would tell its server who reads this, and when: it becomes a link.
  img: ({ src, alt }) => (
    <a href={typeof src === "string" ? src : undefined} target="_blank" rel="noreferrer noopener nofollow">
      {alt || "image"}
    </a>
  ),
  input: ({ checked }) => (
    <input type="checkbox" checked={checked === true} disabled aria-label={checked === true ? "done" : "to do"} />
  ),
  span: ({ node, children }) => {
    const { dataFile: file, dataLine: line, dataMention: name } = node?.properties ?? {};
    if (typeof name === "string") return <Mention name={name}>{children}</Mention>;
    return (
      <FileRef file={typeof file === "string" ? file : undefined} line={typeof line === "number" ? line : undefined}>
        {children}
      </FileRef>
    );
  },
  pre: ({ node }) => {
    const code = node?.children[0];
    if (code?.type !== "element") return null;
    const names = code.properties.className;
    const name = Array.isArray(names) ? String(names[0] ?? "") : "";
    const text = code.children.map((child) => (child.type === "text" ? child.value : "")).join("");
    return <CodeBlock code={text.replace(/\n$/, "")} language={name.replace("language-", "")} />;
  },
};

const plugins: Pick<Options, "remarkPlugins" | "rehypePlugins"> = {
  remarkPlugins: [remarkGfm],
  rehypePlugins: [[rehypeSanitize, schema], markFileRefs],
};
const keep = recent<ReactElement>(400);

/** `names`, one a line: whoever is called by them after an `@` is marked. */
export const Markdown = memo(function Markdown({ text, names = "" }: { text: string; names?: string }) {
  const rehypePlugins = names ? [...(plugins.rehypePlugins ?? []), [markMentions, names] as const] : plugins.rehypePlugins;
  const options = { children: text, components, ...plugins, rehypePlugins } as Options;
  // Called as the function it is (it has no state): parsing is most of what a row costs while somebody scrolls.
  return <div className="markdown">{keep(`${names}\0${text}`, () => ReactMarkdown(options))}</div>;
});
