/** The tree of shared files: folders that close, what changed, who talks and who looks where. Arrows walk it. */
import { type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { FileView, PersonPresence } from "~/session/protocol";
import { Avatar } from "~/ui/avatar";
import { Icon } from "~/ui/icon";
import { useLike } from "./desk";
import { isChanged, stepInTree, type TreeRow, treeRows } from "./tree";

export interface TreeNotes {
  counts: ReadonlyMap<string, { added: number; removed: number }>;
  comments: ReadonlyMap<string, number>;
  people: ReadonlyMap<string, PersonPresence[]>;
}

const letters = { added: "A", modified: "M", deleted: "D", renamed: "R", unchanged: "" };
const looks = { added: "text-good", modified: "text-warn", deleted: "text-bad", renamed: "text-info", unchanged: "" };

interface Props {
  files: readonly FileView[];
  notes: TreeNotes;
  open: string | null;
  onOpen: (path: string) => void;
}

export function FileTree({ files, notes, open, onOpen }: Props) {
  const [query, setQuery] = useState("");
  const [onlyChanged, setOnlyChanged] = useLike("onlyChanged");
  const [folders, setFolders] = useState<Readonly<Record<string, boolean>>>({});
  const [active, setActive] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const changed = useMemo(() => files.filter(isChanged).length, [files]);
  const rows = useMemo(
    () => treeRows(files, { query, onlyChanged: onlyChanged && changed > 0, isOpen: (path) => folders[path] ?? null }),
    [files, query, onlyChanged, changed, folders],
  );
  const found = rows.findIndex((row) => row.path === (active ?? open));
  const at = Math.max(0, found);

  const choose = (row: TreeRow) => {
    setActive(row.path);
    if (row.kind === "file") onOpen(row.path);
    else setFolders({ ...folders, [row.path]: !row.isOpen });
  };
  const focusRow = (path: string | undefined) => {
    if (path === undefined) return;
    setActive(path);
    requestAnimationFrame(() => list.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(row);
      return;
    }
    const step = stepInTree(rows, at, event.key);
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    if (step.fold) setFolders({ ...folders, [step.fold.path]: step.fold.isOpen });
    focusRow(rows[step.to]?.path);
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="space-y-1.5 px-2 pb-2">
        <label className="border-line-strong/70 bg-surface text-ink-faint has-focus-visible:outline-focus flex h-8 items-center gap-1.5 rounded-control border px-2 has-focus-visible:outline-2">
          <Icon name="search" size={14} />
          <input
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === "ArrowDown") {
                event.preventDefault();
                focusRow(rows[0]?.path);
              } else if (event.key === "Escape" && query) {
                event.stopPropagation();
                setQuery("");
              } else if (event.key === "Enter") {
                const first = rows.find((row) => row.kind === "file");
                if (first) choose(first);
              }
            }}
            placeholder="Filter files"
            aria-label="Filter files"
            className="text-ink placeholder:text-ink-faint min-w-0 flex-1 bg-transparent text-base outline-none sm:text-xs"
          />
        </label>
        {changed > 0 && changed < files.length && (
          <label className="text-ink-soft flex w-fit cursor-pointer items-center gap-1.5 rounded px-1 text-xs">
            <input
              type="checkbox"
              checked={onlyChanged}
              onChange={(event) => setOnlyChanged(event.target.checked)}
              className="accent-accent size-3.5"
            />
            Only the {changed} changed
          </label>
        )}
      </div>
      {rows.length === 0 ? (
        <p className="text-ink-faint px-3 py-1 text-xs">No file has these words in its path.</p>
      ) : (
        <div
          ref={list}
          role="tree"
          aria-label="Shared files"
          tabIndex={-1}
          onKeyDown={onKeyDown}
          className="min-h-0 flex-1 overflow-y-auto px-1 pb-3"
        >
          {rows.map((row, index) => (
            <Row
              key={`${row.kind} ${row.path}`}
              row={row}
              notes={notes}
              isOpen={row.kind === "file" && row.path === open}
              isTabStop={index === at}
              onChoose={() => choose(row)}
            />
          ))}
        </div>
      )}
    </div>
  );
}

interface RowProps {
  row: TreeRow;
  notes: TreeNotes;
  isOpen: boolean;
  isTabStop: boolean;
  onChoose: () => void;
}

function Row({ row, notes, isOpen, isTabStop, onChoose }: RowProps) {
  const isFolder = row.kind === "folder";
  const isGone = row.kind === "file" && row.file.change === "deleted";
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the tree hears the keys of its items
    <div
      role="treeitem"
      aria-level={row.level}
      aria-posinset={row.position}
      aria-setsize={row.siblings}
      aria-expanded={isFolder ? row.isOpen : undefined}
      aria-selected={isOpen}
      aria-label={labelOf(row, notes)}
      data-path={row.path}
      tabIndex={isTabStop ? 0 : -1}
      title={row.path}
      onClick={onChoose}
      style={{ paddingLeft: 6 + (row.level - 1) * 12 }}
      className={`flex h-8 cursor-pointer items-center gap-1.5 rounded-control pr-2 text-xs -outline-offset-2 select-none sm:h-7 ${isOpen ? "bg-selected font-medium" : "hover:bg-hover"}`}
    >
      {isFolder ? (
        <Icon
          name="chevron"
          size={12}
          className={`text-ink-faint transition-transform ${row.isOpen ? "rotate-90" : ""}`}
        />
      ) : (
        <span className="w-3" />
      )}
      <Icon name={isFolder ? "folder" : "file"} size={14} className={isFolder ? "text-ink-faint" : "text-ink-soft"} />
      <span className={`min-w-0 flex-1 truncate ${isGone ? "text-ink-faint line-through" : ""}`}>{row.name}</span>
      {isFolder ? (
        !row.isOpen && row.changed > 0 && <span className="bg-warn size-1.5 shrink-0 rounded-full" />
      ) : (
        <Notes file={row.file} notes={notes} />
      )}
    </div>
  );
}

function Notes({ file, notes }: { file: FileView; notes: TreeNotes }) {
  const people = notes.people.get(file.path) ?? [];
  const comments = notes.comments.get(file.path) ?? 0;
  const counts = notes.counts.get(file.path);
  return (
    <span aria-hidden="true" className="flex shrink-0 items-center gap-1.5">
      {people.length > 0 && (
        <span className="flex -space-x-1">
          {people.slice(0, 3).map((person) => (
            <span key={person.user_id} title={person.username} data-here={person.user_id} className="flex">
              <Avatar name={person.username} color={person.color} size={16} />
            </span>
          ))}
          {people.length > 3 && <span className="text-ink-faint pl-1.5 text-2xs">+{people.length - 3}</span>}
        </span>
      )}
      {comments > 0 && (
        <span className="text-ink-soft flex items-center gap-0.5 text-2xs tabular-nums">
          <Icon name="chat" size={12} />
          {comments}
        </span>
      )}
      {counts && (counts.added > 0 || counts.removed > 0) && (
        <span className="font-mono text-2xs tabular-nums">
          {counts.added > 0 && <span className="text-added-mark">+{counts.added}</span>}
          {counts.removed > 0 && <span className="text-removed-mark"> −{counts.removed}</span>}
        </span>
      )}
      {file.change !== "unchanged" && (
        <span className={`w-3 text-center font-mono text-2xs font-bold ${looks[file.change]}`}>{letters[file.change]}</span>
      )}
    </span>
  );
}

function labelOf(row: TreeRow, notes: TreeNotes): string {
  if (row.kind === "folder") return `Folder ${row.name}`;
  const counts = notes.counts.get(row.path);
  const comments = notes.comments.get(row.path) ?? 0;
  const people = notes.people.get(row.path) ?? [];
  return [
    row.name,
    row.file.change === "unchanged" ? null : row.file.change,
    counts ? `${counts.added} lines added, ${counts.removed} removed` : null,
    comments > 0 ? `${comments} open comments` : null,
    people.length > 0 ? `${people.map((person) => person.username).join(", ")} here` : null,
  ]
    .filter(Boolean)
    .join(", ");
}
