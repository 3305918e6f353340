/** Finds what was said and done, here or in every session: typing searches, arrows choose, Enter leads there. */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { ago, moment } from "~/lib/format";
import { useNow } from "~/lib/hooks";
import type { SearchHit } from "~/session/protocol";
import { Button, Kbd, Spinner } from "~/ui/controls";
import { Icon, type IconName } from "~/ui/icon";
import { useSearch } from "./data";

interface Props {
  /** Null where no session is open: all of them are searched then. */
  sessionId: string | null;
  onChoose: (hit: SearchHit) => void;
  onClose: () => void;
}

export function SearchDialog({ sessionId, onChoose, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [isEverywhere, setEverywhere] = useState(sessionId === null);
  const [at, setAt] = useState(0);
  const id = useId();
  const search = useSearch(text, isEverywhere ? null : sessionId);
  const { hits } = search;
  const chosen = hits[at];

  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  useEffect(() => setAt(0), [search.words, isEverywhere]);
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: "nearest" });
    if (at >= hits.length - 3 && search.hasNextPage && !search.isFetching) void search.fetchNextPage();
  }, [id, at, hits.length, search]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && hits.length > 0) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(hits.length - 1, at + step)));
    } else if (event.key === "Enter" && chosen) {
      event.preventDefault();
      onChoose(chosen);
    }
  };

  return (
    <dialog
      ref={dialog}
      aria-label="Search"
      onClose={onClose}
      onCancel={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
      onKeyDown={(event) => event.stopPropagation()}
      className="bg-raised text-ink border-line shadow-raised rounded-card mx-auto mt-[8vh] mb-auto w-[min(40rem,calc(100vw-1rem))] border p-0 backdrop:bg-black/40"
    >
      <div className="flex max-h-[76vh] flex-col">
        <div className="border-line flex items-center gap-2 border-b px-3.5">
          <Icon name="search" className="text-ink-faint" />
          <input
            autoFocus
            type="search"
            role="combobox"
            aria-label="Search for"
            aria-expanded={hits.length > 0}
            aria-controls={id}
            aria-activedescendant={chosen ? `${id}-${at}` : undefined}
            value={text}
            maxLength={200}
            placeholder={isEverywhere ? "Search all your sessions" : "Search this session"}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
            className="placeholder:text-ink-faint h-12 min-w-0 flex-1 bg-transparent text-base outline-none [&::-webkit-search-cancel-button]:hidden"
          />
          {search.isFetching && <Spinner />}
          <Kbd>Esc</Kbd>
        </div>
        {sessionId !== null && (
          <div role="group" aria-label="Where to search" className="flex gap-1 px-3 pt-2.5">
            {[false, true].map((everywhere) => (
              <button
                key={String(everywhere)}
                type="button"
                aria-pressed={isEverywhere === everywhere}
                onClick={() => setEverywhere(everywhere)}
                className={`rounded-full px-2.5 py-0.5 text-xs font-medium ${isEverywhere === everywhere ? "bg-accent-soft text-accent" : "text-ink-soft hover:bg-hover"}`}
              >
                {everywhere ? "All sessions" : "This session"}
              </button>
            ))}
          </div>
        )}
        <ul
          id={id}
          role="listbox"
          aria-label="Found"
          aria-busy={search.isFetching}
          className={`min-h-0 flex-1 overflow-y-auto overscroll-contain p-1.5 ${hits.length === 0 ? "hidden" : ""}`}
        >
          {hits.map((hit, index) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the field holds the focus and its keys
            <li
              key={`${hit.session_id} ${hit.seq} ${hit.kind}`}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              onMouseMove={() => setAt(index)}
              onClick={() => onChoose(hit)}
              className={`cursor-pointer rounded-control px-2.5 py-2 ${index === at ? "bg-selected" : ""}`}
            >
              <Hit hit={hit} hasTitle={isEverywhere} />
            </li>
          ))}
        </ul>
        {hits.length === 0 && (
          <Nothing search={search} isEverywhere={isEverywhere} onEverywhere={() => setEverywhere(true)} />
        )}
        <p aria-live="polite" className="sr-only">
          {search.words !== "" && search.isSuccess && `${hits.length}${search.hasNextPage ? " or more" : ""} found`}
        </p>
      </div>
    </dialog>
  );
}

const kinds: Record<SearchHit["kind"], { icon: IconName; name: string }> = {
  message: { icon: "chat", name: "Chat" },
  comment: { icon: "comment", name: "Comment" },
  prompt: { icon: "send", name: "Prompt" },
  agent_message: { icon: "terminal", name: "Agent" },
  tool_call: { icon: "tool", name: "Tool call" },
  file: { icon: "file", name: "File" },
  title: { icon: "flag", name: "Session" },
};

function Hit({ hit, hasTitle }: { hit: SearchHit; hasTitle: boolean }) {
  const now = useNow(60_000);
  const kind = kinds[hit.kind] ?? { icon: "help", name: hit.kind };
  return (
    <span className="flex gap-2.5">
      <Icon name={kind.icon} size={15} className="text-ink-faint mt-1" />
      <span className="min-w-0 flex-1">
        <span className="text-ink-faint flex items-baseline gap-1.5 text-2xs">
          <span className="text-ink-soft truncate font-medium">{hit.user?.username ?? kind.name}</span>
          {hit.user && hit.kind !== "message" && <span>{kind.name}</span>}
          {hasTitle && <span className="truncate">· {hit.session_title}</span>}
          <span className="flex-1" />
          <time dateTime={hit.at} title={moment(hit.at)} className="shrink-0 tabular-nums">
            {ago(hit.at, now)}
          </time>
        </span>
        <span className={`line-clamp-2 text-sm break-words ${hit.kind === "file" ? "font-mono text-xs" : ""}`}>
          {hit.snippet.map((part, index) =>
            part.is_match ? (
              <mark key={index} className="bg-warn-soft text-warn rounded-sm font-semibold">
                {part.text}
              </mark>
            ) : (
              <span key={index}>{part.text}</span>
            ),
          )}
        </span>
      </span>
    </span>
  );
}

interface NothingProps {
  search: ReturnType<typeof useSearch>;
  isEverywhere: boolean;
  onEverywhere: () => void;
}

/** No word yet, no answer yet, no answer at all, or nothing that holds these words. */
function Nothing({ search, isEverywhere, onEverywhere }: NothingProps) {
  const frame = "text-ink-soft flex min-h-36 flex-col items-center justify-center gap-3 px-6 py-8 text-center text-sm";
  if (search.words === "") {
    return (
      <div className={frame}>
        <p>Messages, comments, prompts, the agent’s answers, its commands and files.</p>
        <p className="text-ink-faint flex flex-wrap items-center justify-center gap-1.5 text-xs">
          <Kbd>↑</Kbd> <Kbd>↓</Kbd> choose <Kbd>Enter</Kbd> go there
        </p>
      </div>
    );
  }
  if (search.isError) {
    return (
      <div role="alert" className={frame}>
        <p className="text-bad">{search.error.message}</p>
        <Button size="sm" icon="retry" onClick={() => void search.refetch()}>
          Try again
        </Button>
      </div>
    );
  }
  if (search.isFetching) {
    return (
      <div className={frame}>
        <Spinner label="Searching" />
      </div>
    );
  }
  return (
    <div className={frame}>
      <p>
        Nothing {isEverywhere ? "in your sessions" : "here"} holds <strong className="text-ink">{search.words}</strong>.
      </p>
      {!isEverywhere && (
        <Button size="sm" onClick={onEverywhere}>
          Search all sessions
        </Button>
      )}
    </div>
  );
}
