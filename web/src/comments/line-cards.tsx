/** The threads of the shown version, and the comment that is being begun, as cards below their lines. */
import { type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { createPortal } from "react-dom";
import type { CardLine } from "./cards";
import { CommentBox, type Written } from "./comment-box";
import { useCommentDesk } from "./data";
import { useOpened, type Wanted } from "./opened";
import { ThreadCard } from "./thread-card";
import { hasLines, lineWords, type ShownThread } from "./threads";
import "./comments.css";

export interface Begun {
  from: number;
  to: number;
}

/** One element per card, for as long as the page shows this file: the editor puts it where it belongs. */
function useElements(): (key: string) => HTMLElement {
  const elements = useRef(new Map<string, HTMLElement>());
  return useCallback((key) => {
    const known = elements.current.get(key);
    if (known) return known;
    const made = document.createElement("div");
    made.className = "comment-card";
    elements.current.set(key, made);
    return made;
  }, []);
}

interface Props {
  threads: readonly ShownThread[];
  /** The threads' lines are those of another version: cards stay where the editor has carried them meanwhile. */
  isStale: boolean;
  begun: Begun | null;
  /** The thread that a link led to. */
  wanted: Wanted | null;
  onCards: (cards: readonly CardLine[]) => void;
  onBegunEnd: () => void;
  onSend: (begun: Begun, said: Written) => void;
}

export function LineCards({ threads, isStale, begun, wanted, onCards, onBegunEnd, onSend }: Props): ReactNode {
  const element = useElements();
  const opened = useOpened(threads, wanted);
  const desk = useCommentDesk();
  const placed = useMemo(() => threads.filter(hasLines), [threads]);

  // A card that was sent keeps its place under the id that the server gave, so nothing jumps; only keys are compared.
  const cards = useMemo((): CardLine[] => {
    const all = placed.map(({ id, place, is_resolved }) => ({
      key: id,
      from: place.line ?? 1,
      to: place.end_line ?? place.line ?? 1,
      element: element(id),
      isOpen: !is_resolved,
    }));
    return begun ? [...all, { key: "begun", ...begun, element: element("begun"), isOpen: true }] : all;
  }, [placed, begun, element]);
  const shape = cards.map(({ key, from, to, isOpen }) => `${key} ${from} ${to} ${isOpen}`).join("\n");
  const latest = useRef(cards);
  useEffect(() => {
    latest.current = cards;
  });
  useEffect(() => {
    if (!isStale) onCards(latest.current);
  }, [shape, isStale, onCards]);

  return (
    <>
      {placed.map((thread) =>
        createPortal(
          <ThreadCard
            thread={thread}
            isOpen={opened.isOpen(thread)}
            onToggle={() => opened.toggle(thread)}
          />,
          element(thread.id),
          thread.id,
        ),
      )}
      {begun &&
        createPortal(
          <section
            aria-label={`New comment on ${lineWords(begun.from, begun.to)}`}
            className="bg-raised border-line border-l-accent rounded-card border border-l-3 p-3"
          >
            <p className="text-ink-faint mb-2 text-xs">Comment on {lineWords(begun.from, begun.to)}</p>
            <CommentBox
              key={`${begun.from}-${begun.to}`}
              draftKey="begun"
              label="Write a comment"
              action="Comment"
              onSend={(said) => onSend(begun, said)}
              onCancel={() => {
                desk.draft("begun", "");
                onBegunEnd();
              }}
            />
          </section>,
          element("begun"),
          "begun",
        )}
    </>
  );
}
