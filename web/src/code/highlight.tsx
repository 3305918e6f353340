/** Code as coloured spans, once its parser is there; plain text until then and where there is none. */
import type { Parser } from "@lezer/common";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { memo, type ReactNode, useEffect, useState } from "react";
import { recent } from "~/lib/recent";
import { type Language, loadParser, parserOf } from "./languages";

/** Longer code stays plain: parsing must not hold up a scroll. In characters. */
const LONGEST = 20_000;

const keep = recent<ReactNode[]>(1_500);

function spans(code: string, language: Language): ReactNode {
  const parser = parserOf(language);
  if (!parser || code.length > LONGEST) return code;
  return keep(`${language} ${code}`, () => colour(code, parser));
}

function colour(code: string, parser: Parser): ReactNode[] {
  const parts: ReactNode[] = [];
  highlightCode(
    code,
    parser.parse(code),
    classHighlighter,
    (text, classes) => {
      parts.push(
        classes ? (
          <span key={parts.length} className={classes}>
            {text}
          </span>
        ) : (
          text
        ),
      );
    },
    () => parts.push("\n"),
  );
  return parts;
}

export const Highlighted = memo(function Highlighted({ code, language }: { code: string; language: Language | null }) {
  const [isReady, setReady] = useState(() => language !== null && parserOf(language) !== null);
  useEffect(() => {
    if (language === null || isReady || code.length > LONGEST) return;
    let isShown = true;
    loadParser(language).then(
      () => isShown && setReady(true),
      (error: unknown) => console.warn(`Code in ${language} stays plain: its parser did not come.`, error),
    );
    return () => {
      isShown = false;
    };
  }, [language, isReady, code.length]);
  return <>{language !== null && isReady ? spans(code, language) : code}</>;
});
