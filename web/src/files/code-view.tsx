/** The text of one version on the page: the editor, the cards between its lines, others in it, and where this person is. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { CardLine } from "~/comments/cards";
import { type Begun, LineCards } from "~/comments/line-cards";
import { useCommentDesk } from "~/comments/data";
import { useCanComment } from "~/comments/thread-card";
import type { ShownThread } from "~/comments/threads";
import { cursorsIn, viewsIn } from "~/cursors/people";
import { useClient, useSession } from "~/session/context";
import { usePlaces } from "~/session/place";
import { viewport } from "~/session/protocol";
import { type Aim, useDesk, useDeskState } from "./desk";
import { Pane, type PaneSpec } from "./pane";
import type { TopPlace } from "./scroll";
import { selectionOf } from "./selection";
import "./files.css";

export interface CodeViewHandle {
  search(): void;
  comment(): void;
  focus(): void;
  /** The lines of the cursor or the selection. */
  lines(): { from: number; to: number };
}

interface Props {
  path: string;
  /** The path that the shown version had. */
  pathThen: string;
  version: string;
  newest: string | null;
  text: string;
  layout: PaneSpec["layout"];
  base: { version: string | null; text: string };
  wraps: boolean;
  isShown: boolean;
  threads: readonly ShownThread[];
  isStale: boolean;
  /** False while what was asked for is on its way and what stood here before still stands. */
  isCurrent: boolean;
  onHandle: (handle: CodeViewHandle | null) => void;
}

export function CodeView(props: Props) {
  const { path, pathThen, version, newest, text, layout, base, wraps, isShown, threads, isStale, isCurrent, onHandle } = props;
  const client = useClient();
  const places = usePlaces();
  const comments = useCommentDesk();
  const canComment = useCanComment();
  const desk = useDeskState();
  const aim = useDesk((state) => state.aim);
  const wanted = useDesk((state) => state.thread);
  const presence = useSession((state) => state.presence);
  const myId = useSession((state) => state.you?.user_id ?? null);
  const host = useRef<HTMLDivElement>(null);
  const [pane, setPane] = useState<Pane | null>(null);
  const [begun, setBegun] = useState<Begun | null>(null);
  const cards = useRef<readonly CardLine[]>([]);
  const now = useRef({ version, text, wraps, baseVersion: base.version, isShown });
  const aimed = useRef<Aim | null>(null);
  /** Where the editor stood that was taken down for another one. */
  const left = useRef<TopPlace | null>(null);
  /** This person has a cursor in the file, which others see. */
  const hasCursor = useRef(false);
  useEffect(() => {
    now.current = { version, text, wraps, baseVersion: base.version, isShown };
  });

  const report = useCallback(
    (from: Pane) => {
      const { isShown: isSeen, version: seen, baseVersion } = now.current;
      if (!isSeen || !from.scroller.isConnected) return;
      const surface = layout === "file" ? "file" : "diff";
      places.report(
        viewport(surface, { file: path, version: seen, base_version: layout === "file" ? null : baseVersion, ...from.place }),
      );
    },
    [places, path, layout],
  );

  // One editor per file and layout; versions come into it as edits.
  const baseText = layout === "file" ? "" : base.text;
  useEffect(() => {
    if (!host.current) return;
    let frame = 0;
    const made: Pane = new Pane(
      host.current,
      { path, text: now.current.text, layout, base: baseText, wraps: now.current.wraps },
      {
        onComment: canComment ? (from, to) => setBegun({ from, to }) : null,
        onScroll: () => {
          cancelAnimationFrame(frame);
          frame = requestAnimationFrame(() => report(made));
        },
        onCursor: () => {
          hasCursor.current = true;
          client.point({ file: path, ...selectionOf(made.view.state) });
        },
        onLine: (line, end_line) => desk.point(line, end_line),
      },
    );
    const width = new ResizeObserver(() => {
      const gutters = made.view.contentDOM.offsetLeft;
      const room = made.view.scrollDOM.clientWidth - gutters;
      host.current?.style.setProperty("--card-room", `${Math.max(200, room - 32)}px`);
      // Cards stay beside the numbers while lines are scrolled sideways.
      host.current?.style.setProperty("--card-left", `${gutters + 8}px`);
    });
    width.observe(made.view.scrollDOM);
    made.setCards(cards.current);
    // The same file in another layout: the place in it stays. Where a link leads elsewhere, it does so after this.
    if (left.current) made.restore(left.current);
    setPane(made);
    return () => {
      cancelAnimationFrame(frame);
      width.disconnect();
      left.current = made.scroller.scrollTop > 0 ? made.place : null;
      made.destroy();
      setPane(null);
    };
  }, [path, layout, baseText, canComment, client, desk, report]);

  // Before any card is placed: cards of this version belong on its lines, not on those of the one before.
  useLayoutEffect(() => {
    if (!pane) return;
    pane.setText(text, version === newest);
    // The cursor went with its line.
    if (hasCursor.current) client.point({ file: path, ...selectionOf(pane.view.state) });
  }, [pane, text, version, newest, client, path]);
  useEffect(() => pane?.setWraps(wraps), [pane, wraps]);
  useEffect(() => {
    if (pane && isShown) report(pane);
  }, [pane, isShown, version, base.version, report]);
  useEffect(() => {
    pane?.setPeople(
      cursorsIn(presence.values(), myId, path, version, newest),
      viewsIn(presence.values(), myId, path, version, newest),
    );
  }, [pane, presence, myId, path, version, newest]);
  useEffect(() => {
    if (!pane || pane.isGone || !isCurrent || !aim || aimed.current === aim) return;
    aimed.current = aim;
    const isLink = aim.fraction === null;
    pane.goTo({ from: aim.line, to: aim.end_line ?? aim.line }, aim.fraction, isLink);
    if (!isLink) return;
    hasCursor.current = true;
    client.point({ file: path, line: aim.line, column: 1, selection: null });
  }, [pane, aim, isCurrent, client, path]);
  // What was begun on the lines of another version would stand on the wrong ones.
  useEffect(() => setBegun(null), [path, version, layout]);

  useEffect(() => {
    if (!pane) return;
    const lines = () => {
      const { doc, selection } = pane.view.state;
      const { from, to, empty } = selection.main;
      const end = empty ? to : Math.max(from, to - 1);
      return { from: doc.lineAt(from).number, to: doc.lineAt(end).number };
    };
    onHandle({ search: () => pane.search(), focus: () => pane.focus(), comment: () => setBegun(lines()), lines });
    return () => onHandle(null);
  }, [pane, onHandle]);

  const showCards = useCallback(
    (next: readonly CardLine[]) => {
      cards.current = next;
      pane?.setCards(next);
    },
    [pane],
  );
  return (
    <>
      <div ref={host} data-version={version} className="code-host relative min-h-0 flex-1 overflow-hidden" />
      <LineCards
        threads={threads}
        isStale={isStale}
        begun={begun}
        wanted={wanted}
        onCards={showCards}
        onBegunEnd={() => {
          setBegun(null);
          pane?.focus();
        }}
        onSend={({ from, to }, said) => {
          const lines = text.split(/\r\n?|\n/).slice(from - 1, to);
          comments.add({ thread_id: null, file: pathThen, line: from, end_line: to, version, code_snippet: lines.join("\n"), ...said });
          setBegun(null);
          pane?.focus();
        }}
      />
    </>
  );
}
