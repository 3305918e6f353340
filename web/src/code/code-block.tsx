/** A block of code with its language and a button that copies it. */
import { useState } from "react";
import { Icon } from "~/ui/icon";
import { Highlighted } from "./highlight";
import { languageOf } from "./languages";

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("done");
    } catch {
      // Without HTTPS the browser offers no clipboard.
      setState("failed");
    }
    setTimeout(() => setState("idle"), 1_600);
  };
  return (
    <button
      type="button"
      onClick={() => void copy()}
      className="text-ink-faint hover:bg-hover hover:text-ink rounded inline-flex h-6 items-center gap-1 px-1.5 text-2xs"
    >
      <Icon name={state === "done" ? "check" : "copy"} size={13} />
      <span aria-live="polite">
        {state === "done" ? "Copied" : state === "failed" ? "Select it to copy" : label}
      </span>
    </button>
  );
}

export function CodeBlock({ code, language }: { code: string; language: string }) {
  return (
    <div className="code-block border-line bg-code overflow-hidden rounded-lg border">
      <div className="border-line flex h-7 items-center justify-between border-b pr-1 pl-3">
        <span className="text-ink-faint font-mono text-2xs">{language || "text"}</span>
        <CopyButton text={code} />
      </div>
      <pre tabIndex={0} className="overflow-x-auto px-3 py-2.5 text-xs leading-5">
        <code>
          <Highlighted code={code} language={languageOf(language)} />
        </code>
      </pre>
    </div>
  );
}
