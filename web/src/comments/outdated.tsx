/** Threads of a file whose lines are not in the shown version: never dropped, shown with their lines as they were. */
import { useEffect, useState } from "react";
import { useDeskState } from "~/files/desk";
import { plural } from "~/lib/format";
import { Icon } from "~/ui/icon";
import { useOpened, type Wanted } from "./opened";
import { ThreadCard } from "./thread-card";
import { hasLines, type ShownThread } from "./threads";

export function OutdatedThreads({ threads, wanted }: { threads: readonly ShownThread[]; wanted: Wanted | null }) {
  const desk = useDeskState();
  const lost = threads.filter((thread) => !hasLines(thread));
  const [isOpen, setOpen] = useState(false);
  const opened = useOpened(threads, wanted);
  const isWanted = wanted !== null && lost.some((thread) => thread.id === wanted.id);
  useEffect(() => {
    if (isWanted) setOpen(true);
  }, [isWanted, wanted]);
  if (lost.length === 0) return null;
  return (
    <div className="border-line bg-warn-soft border-b">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="text-warn flex min-h-8 w-full items-center gap-1.5 px-3 py-1 text-left text-xs font-medium -outline-offset-2"
      >
        <Icon name="chevron" size={12} className={`transition-transform ${isOpen ? "rotate-90" : ""}`} />
        {plural(lost.length, "outdated comment")} · {lost.length === 1 ? "its" : "their"} lines changed
      </button>
      {isOpen && (
        <div className="max-h-[45vh] space-y-2 overflow-y-auto px-3 pb-3">
          {lost.map((thread) => {
            const [first] = thread.comments;
            return (
              <ThreadCard
                key={thread.id}
                thread={thread}
                isOpen={opened.isOpen(thread)}
                onToggle={() => opened.toggle(thread)}
                onShowOriginal={
                  first?.version
                    ? () =>
                        desk.open(thread.place.file, {
                          version: first.version,
                          line: first.line,
                          end_line: first.end_line,
                          thread: thread.id,
                          mode: "file",
                        })
                    : undefined
                }
              />
            );
          })}
        </div>
      )}
    </div>
  );
}
