/** A file's colours in the editor: the same parsers and the same classes as in the transcript. */
import { defineLanguageFacet, Language, syntaxHighlighting } from "@codemirror/language";
import type { Extension } from "@codemirror/state";
import { classHighlighter } from "@lezer/highlight";
import { languageOfFile, loadParser, parserOf } from "~/code/languages";

/** Longer lines are machines' work; parsing them holds up the page. In characters. */
const LONGEST_LINE = 20_000;

/** Nothing for a file that no parser here reads. Rejects when the parser's file cannot be had. */
export async function languageFor(path: string, text: string): Promise<Extension> {
  const name = languageOfFile(path);
  if (name === null || hasLongLine(text)) return [];
  await loadParser(name);
  const parser = parserOf(name);
  return parser ? new Language(defineLanguageFacet(), parser, [], name).extension : [];
}

function hasLongLine(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    if ((end < 0 ? text.length : end) - at > LONGEST_LINE) return true;
    if (end < 0) return false;
    at = end + 1;
  }
  return false;
}

export const colours: Extension = syntaxHighlighting(classHighlighter);
