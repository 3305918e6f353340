/** A call of a tool: one line from start to end, with what really happened. */
import { CopyButton } from "~/code/code-block";
import { Highlighted } from "~/code/highlight";
import { duration } from "~/lib/format";
import type { ToolCallFinished } from "~/session/protocol";
import type { ToolRow } from "~/session/state";
import { Icon, type IconName } from "~/ui/icon";
import { Fold } from "./fold";
import "~/code/code.css";

const kindIcons: Record<string, IconName> = {
  read: "read",
  edit: "edit",
  delete: "trash",
  move: "file",
  search: "search",
  execute: "terminal",
  think: "think",
  fetch: "fetch",
  other: "tool",
};

export function ToolCall({ row }: { row: ToolRow }) {
  const { started, finished } = row;
  const isBad = finished?.status === "failed";
  const hasInput = Boolean(started?.input) && started?.input !== started?.title;
  const isEmpty = !hasInput && !finished?.output && !finished?.reason;
  return (
    <Fold
      rowKey={row.key}
      byDefault={isBad}
      summary={
        <span className="flex min-w-0 items-center gap-2">
          <Status row={row} />
          <Icon name={kindIcons[started?.kind ?? "other"] ?? "tool"} size={14} className="text-ink-faint" />
          <span className={`truncate font-mono text-xs ${isBad ? "text-bad" : "text-ink"}`}>
            {started ? oneLine(started.title) : "A call that began earlier"}
          </span>
        </span>
      }
      aside={<Outcome row={row} />}
    >
      <div className="space-y-2">
        {finished?.status === "denied" && (
          <p className="bg-warn-soft text-warn rounded-control px-3 py-2 text-xs">
            Denied{finished.reason ? `: ${finished.reason}` : "."}
          </p>
        )}
        {finished && finished.status !== "denied" && finished.reason && (
          <p className="text-ink-soft text-xs">{finished.reason}</p>
        )}
        {hasInput && started && <Text label="Input" text={started.input} kind={started.kind} />}
        {finished?.output && <Text label="Output" text={finished.output} isBad={isBad} />}
        {finished?.is_truncated && <p className="text-ink-faint text-2xs">The output was longer and is cut here.</p>}
        {isEmpty && (
          <p className="text-ink-faint text-xs">
            {finished ? "It gave no output." : row.isOver ? "The turn ended before it gave a result." : "Still running."}
          </p>
        )}
      </div>
    </Fold>
  );
}

const oneLine = (text: string) => text.replace(/\s+/g, " ");

const results: Record<ToolCallFinished["status"], { icon: IconName; look: string; label: string }> = {
  completed: { icon: "check", look: "text-good", label: "Completed" },
  failed: { icon: "close", look: "text-bad", label: "Failed" },
  denied: { icon: "ban", look: "text-warn", label: "Denied" },
  cancelled: { icon: "ban", look: "text-ink-faint", label: "Cancelled" },
};

function Status({ row }: { row: ToolRow }) {
  if (row.finished) {
    const { icon, look, label } = results[row.finished.status];
    return (
      <span className={look}>
        <Icon name={icon} size={14} />
        <span className="sr-only">{label}</span>
      </span>
    );
  }
  if (row.isOver) {
    return (
      <span className="text-ink-faint">
        <Icon name="dot" size={14} />
        <span className="sr-only">No result</span>
      </span>
    );
  }
  return (
    <span className="text-accent grid size-3.5 place-items-center">
      <span className="size-3 animate-spin rounded-full border-2 border-current border-r-transparent" aria-hidden="true" />
      <span className="sr-only">Running</span>
    </span>
  );
}

function Outcome({ row: { finished } }: { row: ToolRow }) {
  if (!finished) return null;
  const isBad = finished.status === "failed";
  return (
    <span className="flex shrink-0 items-center gap-2 pl-2 text-2xs tabular-nums">
      {finished.status === "denied" && <span className="text-warn font-medium">denied</span>}
      {finished.status === "cancelled" && <span className="text-ink-faint">cancelled</span>}
      {isBad && (
        <span className="bg-bad-soft text-bad rounded px-1.5 py-px font-medium">
          {finished.exit_code === null ? "failed" : `exit ${finished.exit_code}`}
        </span>
      )}
      {finished.duration_ms !== null && <span className="text-ink-faint">{duration(finished.duration_ms)}</span>}
    </span>
  );
}

function Text({ label, text, kind, isBad }: { label: string; text: string; kind?: string; isBad?: boolean }) {
  const language = kind === "execute" ? "shell" : /^\s*[[{]/.test(text) ? "json" : null;
  return (
    <div className={`bg-code overflow-hidden rounded-lg border ${isBad ? "border-bad/40" : "border-line"}`}>
      <div className="flex h-6 items-center justify-between pr-1 pl-3">
        <span className="text-ink-faint text-2xs">{label}</span>
        <CopyButton text={text} />
      </div>
      <pre tabIndex={0} aria-label={label} className="max-h-64 overflow-auto px-3 pb-2.5 text-xs leading-5 whitespace-pre-wrap break-words">
        <code>
          <Highlighted code={text} language={language} />
        </code>
      </pre>
    </div>
  );
}
