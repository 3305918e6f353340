/** A diff in one column, with line numbers, marks that do not rely on colour, and the file's own highlighting. */
import { memo, useMemo, useState } from "react";
import { Button } from "~/ui/controls";
import { type DiffLine, readDiff } from "./diff";
import { Highlighted } from "./highlight";
import { languageOfFile } from "./languages";
import "./code.css";

/** Lines shown before somebody asks for all. */
const FIRST = 60;

const looks: Record<DiffLine["kind"], string> = {
  added: "bg-added",
  removed: "bg-removed",
  same: "",
  hunk: "bg-sunken text-ink-faint",
  note: "text-ink-faint italic",
};
const marks: Record<DiffLine["kind"], string> = { added: "+", removed: "−", same: " ", hunk: " ", note: " " };
const markLooks: Partial<Record<DiffLine["kind"], string>> = { added: "text-added-mark", removed: "text-removed-mark" };

export const DiffView = memo(function DiffView({ path, diff }: { path: string; diff: string }) {
  const lines = useMemo(() => readDiff(diff), [diff]);
  const [isWhole, setWhole] = useState(false);
  const language = languageOfFile(path);
  const shown = isWhole ? lines : lines.slice(0, FIRST);
  if (lines.length === 0) return <p className="text-ink-faint px-3 py-2 text-xs">No lines to show.</p>;
  return (
    <div>
      <div className="overflow-x-auto" role="group" tabIndex={0} aria-label={`Changes to ${path}`}>
        <div className="w-max min-w-full py-1 font-mono text-xs leading-5">
          {shown.map((line, at) => (
            <div key={at} className={`flex ${looks[line.kind]}`}>
              <Number value={line.kind === "hunk" ? null : line.before} />
              <Number value={line.kind === "hunk" ? null : line.after} />
              <span className={`w-5 shrink-0 text-center font-semibold select-none ${markLooks[line.kind] ?? ""}`}>
                {marks[line.kind]}
              </span>
              <code className="pr-4 whitespace-pre">
                {line.kind === "hunk" ? (
                  `⋯ ${line.text}`
                ) : line.kind === "note" ? (
                  line.text
                ) : (
                  <Highlighted code={line.text} language={language} />
                )}
              </code>
            </div>
          ))}
        </div>
      </div>
      {lines.length > shown.length && (
        <Button look="ghost" size="sm" onClick={() => setWhole(true)} className="m-1">
          Show {lines.length - shown.length} more lines
        </Button>
      )}
    </div>
  );
});

function Number({ value }: { value: number | null }) {
  return (
    <span className="text-ink-faint w-7 shrink-0 pr-1.5 text-right sm:w-9 sm:pr-2 text-2xs leading-5 tabular-nums select-none">
      {value}
    </span>
  );
}
