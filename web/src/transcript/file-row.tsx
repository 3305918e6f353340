/** A file after one edit: its path, how many lines came and went, and the diff. */
import { DiffView } from "~/code/diff-view";
import type { FileRow } from "~/session/state";
import { Icon } from "~/ui/icon";
import { Fold } from "./fold";

/** Diffs of up to this many changed lines are open from the start. */
const SMALL = 30;

export function Counts({ added, removed }: { added: number; removed: number }) {
  return (
    <span className="shrink-0 font-mono text-2xs tabular-nums">
      <span className="text-added-mark">+{added}</span> <span className="text-removed-mark">−{removed}</span>
      <span className="sr-only">
        {" "}
        {added} lines added, {removed} removed
      </span>
    </span>
  );
}

export function FileChange({ row }: { row: FileRow }) {
  const { change } = row;
  const slash = change.path.lastIndexOf("/") + 1;
  return (
    <Fold
      rowKey={row.key}
      byDefault={change.diff !== "" && change.added + change.removed <= SMALL}
      summary={
        <span className="flex min-w-0 items-center gap-2">
          <Icon name={change.change === "deleted" ? "trash" : "file"} size={14} className="text-info" />
          <span className="truncate font-mono text-xs" title={change.path}>
            {change.old_path && <span className="text-ink-faint">{change.old_path} → </span>}
            <span className="text-ink-faint">{change.path.slice(0, slash)}</span>
            <span className="font-medium">{change.path.slice(slash)}</span>
          </span>
          <span className="text-ink-faint shrink-0 text-2xs">{change.change}</span>
        </span>
      }
      aside={<Counts added={change.added} removed={change.removed} />}
    >
      <div className="border-line bg-surface overflow-hidden rounded-lg border">
        <DiffView path={change.path} diff={change.diff} />
        {change.is_truncated && (
          <p className="border-line text-ink-faint border-t px-3 py-1.5 text-2xs">The diff was longer and is cut here.</p>
        )}
      </div>
    </Fold>
  );
}
