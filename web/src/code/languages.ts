/**
 * Which parser reads which file. Parsers are CodeMirror's own and come when first needed, one small file each; a
 * language without one is shown as plain text.
 */
import type { Parser } from "@lezer/common";

type Load = () => Promise<Parser>;

const javascript = (dialect: string): Load => {
  return async () => (await import("@lezer/javascript")).parser.configure({ dialect });
};

async function legacy(name: "shell" | "toml" | "ruby" | "diff" | "sql" | "dockerfile"): Promise<Parser> {
  const { StreamLanguage } = await import("@codemirror/language");
  const modes = {
    shell: async () => (await import("@codemirror/legacy-modes/mode/shell")).shell,
    toml: async () => (await import("@codemirror/legacy-modes/mode/toml")).toml,
    ruby: async () => (await import("@codemirror/legacy-modes/mode/ruby")).ruby,
    diff: async () => (await import("@codemirror/legacy-modes/mode/diff")).diff,
    sql: async () => (await import("@codemirror/legacy-modes/mode/sql")).standardSQL,
    dockerfile: async () => (await import("@codemirror/legacy-modes/mode/dockerfile")).dockerFile,
  };
  // The parts of a mode's state differ by language; nothing here looks at them.
  return StreamLanguage.define((await modes[name]()) as Parameters<typeof StreamLanguage.define>[0]).parser;
}

const loaders: Record<string, Load> = {
  javascript: javascript("jsx"),
  typescript: javascript("ts"),
  tsx: javascript("ts jsx"),
  python: async () => (await import("@lezer/python")).parser,
  json: async () => (await import("@lezer/json")).parser,
  css: async () => (await import("@lezer/css")).parser,
  html: async () => (await import("@lezer/html")).parser,
  rust: async () => (await import("@lezer/rust")).parser,
  go: async () => (await import("@lezer/go")).parser,
  yaml: async () => (await import("@lezer/yaml")).parser,
  java: async () => (await import("@lezer/java")).parser,
  cpp: async () => (await import("@lezer/cpp")).parser,
  shell: () => legacy("shell"),
  toml: () => legacy("toml"),
  ruby: () => legacy("ruby"),
  diff: () => legacy("diff"),
  sql: () => legacy("sql"),
  dockerfile: () => legacy("dockerfile"),
};

/** Names in Markdown fences and endings of files, to the language. */
const aliases: Record<string, keyof typeof loaders> = {
  js: "javascript",
  jsx: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  ts: "typescript",
  mts: "typescript",
  py: "python",
  py3: "python",
  pyi: "python",
  jsonc: "json",
  jsonl: "json",
  htm: "html",
  vue: "html",
  svg: "html",
  xml: "html",
  rs: "rust",
  golang: "go",
  yml: "yaml",
  kt: "java",
  c: "cpp",
  h: "cpp",
  cc: "cpp",
  hpp: "cpp",
  sh: "shell",
  bash: "shell",
  zsh: "shell",
  console: "shell",
  rb: "ruby",
  patch: "diff",
};

export type Language = string;

export function languageOf(name: string): Language | null {
  const wanted = name.toLowerCase();
  if (Object.hasOwn(loaders, wanted)) return wanted;
  return Object.hasOwn(aliases, wanted) ? (aliases[wanted] ?? null) : null;
}

export function languageOfFile(path: string): Language | null {
  const name = path.split("/").at(-1) ?? "";
  if (name === "Dockerfile") return "dockerfile";
  const ending = name.split(".");
  return ending.length > 1 ? languageOf(ending.at(-1) ?? "") : null;
}

const ready = new Map<Language, Parser>();
const coming = new Map<Language, Promise<void>>();

export function parserOf(language: Language): Parser | null {
  return ready.get(language) ?? null;
}

/** Resolves when `parserOf` has an answer. Rejects when the parser's file cannot be had. */
export function loadParser(language: Language): Promise<void> {
  const load = loaders[language];
  if (!load) return Promise.resolve();
  const known = coming.get(language);
  if (known) return known;
  const loading = load().then(
    (parser) => void ready.set(language, parser),
    (error: unknown) => {
      // Offline at this moment: the next block asks again.
      coming.delete(language);
      throw error;
    },
  );
  coming.set(language, loading);
  return loading;
}
