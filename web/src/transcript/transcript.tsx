/**
 * The transcript: a virtual list that stays at the bottom while somebody is there, keeps its place while older pages
 * come in above, and is walked row by row with J and K.
 */
import { useCallback, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type Ref } from "react";
import { VList, type VListHandle } from "virtua";
import { isSameFile } from "~/code/file-refs";
import { glide, wantsNoMotion } from "~/follow/glide";
import { focusWhenDrawn } from "~/lib/focus";
import { viewport } from "~/session/protocol";
import type { SessionClient } from "~/session/client";
import { useClient, useClientState, useSession } from "~/session/context";
import { usePlaces } from "~/session/place";
import type { Row } from "~/session/state";
import { Button, Spinner } from "~/ui/controls";
import { Icon } from "~/ui/icon";
import { Bone, Message } from "~/ui/states";
import { rowLabel, RowView } from "./rows";

/** Nearer to the end than this counts as being there, in pixels. */
const AT_END = 48;
/** Older entries are fetched when less than this is left above, in pixels. */
const FETCH_AHEAD = 1_500;

export interface TranscriptHandle {
  /** Moves the focus by so many rows. */
  step(by: 1 | -1): void;
  toEnd(): void;
  /** Moves to where this file was last changed, and opens it. Does nothing where it was not. */
  toFile(file: string): void;
  /**
   * Moves to entry `seq`, or the row before it where that has none, with `fraction` of the row scrolled away; reads
   * older pages for it. False: there is no such.
   */
  toSeq(seq: number, fraction?: number): Promise<boolean>;
}

export function Transcript({ ref }: { ref: Ref<TranscriptHandle> }) {
  const rows = useSession((state) => state.rows);
  const isLoaded = useSession((state) => state.isLoaded);
  const loadError = useClientState((state) => (state.loading === "failed" ? state.loadError : null));
  const client = useClient();
  if (!isLoaded) {
    if (loadError === null) return <Loading />;
    return (
      <Message icon="alert" title="The transcript could not be loaded" tone="bad">
        <p>{loadError}</p>
        <Button icon="retry" onClick={() => void client.loadOlder()}>
          Try again
        </Button>
      </Message>
    );
  }
  if (rows.length === 0) {
    return (
      <Message icon="terminal" title="Nothing has happened yet">
        <p>As soon as an agent is connected, its work appears here live.</p>
      </Message>
    );
  }
  return <Rows ref={ref} rows={rows} />;
}

function Rows({ rows, ref }: { rows: readonly Row[]; ref: Ref<TranscriptHandle> }) {
  const client = useClient();
  const places = usePlaces();
  const list = useRef<VListHandle>(null);
  const frame = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const lastOffset = useRef(0);
  const [seenSeq, setSeenSeq] = useState<number | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const isLoadingOlder = useClientState((state) => state.loading === "busy");
  const olderError = useClientState((state) => (state.loading === "failed" ? state.loadError : null));

  // A list whose first row changed grew above: it keeps its distance from the end.
  const firstKey = rows[0]?.key;
  const [heldFirstKey, holdFirstKey] = useState(firstKey);
  const isShifted = heldFirstKey !== firstKey;
  useLayoutEffect(() => holdFirstKey(firstKey), [firstKey]);

  const toEnd = useCallback(() => {
    isAtEnd.current = true;
    setSeenSeq(null);
    list.current?.scrollToIndex(rows.length - 1, { align: "end" });
  }, [rows.length]);

  const report = useCallback(() => {
    const handle = list.current;
    // Behind another tab nobody reads it.
    if (!handle || !frame.current?.offsetParent) return;
    const top = handle.findItemIndex(handle.scrollOffset);
    const row = client.store.getState().session.rows[top];
    if (!row) return;
    const gone = (handle.scrollOffset - handle.getItemOffset(top)) / (handle.getItemSize(top) || 1);
    const fraction = Math.round(Math.min(1, Math.max(0, gone)) * 100) / 100;
    places.report(viewport("transcript", { seq: row.seq, fraction }));
  }, [places, client]);

  // Whoever is at the end stays there while the window, or a row that is now measured, changes its size.
  useEffect(() => {
    const feed = frame.current?.querySelector("[role=feed]");
    const content = feed?.firstElementChild;
    if (!feed || !content) return;
    const observer = new ResizeObserver(() => {
      if (isAtEnd.current) list.current?.scrollToIndex(rows.length - 1, { align: "end" });
      // Also when the transcript comes into sight again.
      report();
    });
    observer.observe(feed);
    observer.observe(content);
    return () => observer.disconnect();
  }, [rows.length, report]);

  const stopGlide = useRef<() => void>(() => undefined);
  useEffect(() => () => stopGlide.current(), []);

  const lastSeq = rows.at(-1)?.seq ?? 0;
  const scrolled = (offset: number) => {
    const handle = list.current;
    if (!handle) return;
    const wasAtEnd = isAtEnd.current;
    const isMovedUp = offset < lastOffset.current - 1;
    lastOffset.current = offset;
    if (handle.scrollSize - offset - handle.viewportSize < AT_END) {
      isAtEnd.current = true;
      setSeenSeq(null);
    } else if (isMovedUp) {
      isAtEnd.current = false;
      if (wasAtEnd) setSeenSeq(lastSeq);
    }
    report();
    if (offset < FETCH_AHEAD && client.store.getState().session.from > 1) void client.loadOlder();
  };

  // A first page that does not fill the screen cannot be scrolled: the next one comes by itself.
  useEffect(() => {
    const handle = list.current;
    if (handle && handle.scrollSize < handle.viewportSize + FETCH_AHEAD) {
      if (client.store.getState().session.from > 1) void client.loadOlder();
    }
    report();
  }, [client, rows, report]);

  const at = focused === null ? -1 : rows.findIndex((row) => row.key === focused);
  useImperativeHandle(
    ref,
    () => ({
      toEnd,
      toFile(file) {
        const found = rows.findLastIndex((row) => row.kind === "file" && isSameFile(row.change.path, file));
        const key = rows[found]?.key;
        if (key === undefined) return;
        isAtEnd.current = false;
        setSeenSeq((seq) => seq ?? lastSeq);
        setFocused(key);
        list.current?.scrollToIndex(found, { align: "start" });
        focusWhenDrawn(frame.current, `[data-row="${key}"]`, (row) => {
          row.querySelector<HTMLElement>("button[aria-expanded=false]")?.click();
        });
      },
      async toSeq(seq, fraction = 0) {
        const { from, to } = client.store.getState().session;
        if (seq < 1 || seq > to) return false;
        if (seq < from) {
          if (!(await readBackTo(client, seq))) return false;
          await new Promise((resolve) => requestAnimationFrame(resolve));
        }
        const now = client.store.getState().session.rows;
        const found = Math.max(0, now.findLastIndex((row) => row.seq <= seq));
        const handle = list.current;
        if (!handle) return false;
        stopGlide.current();
        const gone = fraction * handle.getItemSize(found);
        const end = Math.max(0, handle.scrollSize - handle.viewportSize);
        const target = Math.min(end, handle.getItemOffset(found) + gone);
        isAtEnd.current = end - target < AT_END;
        const last = now.at(-1)?.seq ?? 0;
        setSeenSeq((seen) => (isAtEnd.current ? null : (seen ?? last)));
        const way = Math.abs(target - handle.scrollOffset);
        // What is far has estimated heights: the list itself finds it. What is near is gone to.
        if (wantsNoMotion() || way > handle.viewportSize * 1.5) handle.scrollToIndex(found, { align: "start", offset: gone });
        else if (way > 1) stopGlide.current = glide(handle.scrollOffset, target, (offset) => handle.scrollTo(offset));
        return true;
      },
      step(by) {
        const handle = list.current;
        if (!handle) return;
        const here = isAtEnd.current ? rows.length - 1 : handle.findItemIndex(handle.scrollOffset + 8);
        const start = at >= 0 ? at + by : here;
        const next = Math.max(0, Math.min(rows.length - 1, start));
        const key = rows[next]?.key;
        if (key === undefined) return;
        setFocused(key);
        handle.scrollToIndex(next, { align: "nearest" });
        requestAnimationFrame(() => {
          frame.current?.querySelector<HTMLElement>(`[data-row="${key}"]`)?.focus({ preventScroll: true });
        });
      },
    }),
    [at, rows, toEnd, lastSeq, client],
  );

  const newer = seenSeq === null ? 0 : countAfter(rows, seenSeq);
  return (
    <div ref={frame} className="relative h-full min-h-0">
      <VList
        ref={list}
        data={rows as Row[]}
        shift={isShifted}
        onScroll={scrolled}
        onScrollEnd={report}
        keepMounted={at >= 0 ? [at] : undefined}
        role="feed"
        aria-label="Transcript"
        aria-busy={isLoadingOlder}
        tabIndex={0}
        className="outline-offset-[-2px]"
        style={{ height: "100%", overflowAnchor: "none" }}
      >
        {(row: Row, index: number) => (
          <article
            key={row.key}
            data-row={row.key}
            data-kind={row.kind}
            data-seq={row.seq}
            tabIndex={-1}
            aria-label={rowLabel(row)}
            aria-posinset={index + 1}
            aria-setsize={rows.length}
            onFocus={() => setFocused(row.key)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.target !== event.currentTarget) return;
              event.currentTarget.querySelector<HTMLElement>("button[aria-expanded]")?.click();
            }}
            className={`mx-auto w-full max-w-4xl px-3 outline-offset-[-2px] sm:px-5 ${index === 0 ? "pt-3" : ""} ${index === rows.length - 1 ? "pb-4" : ""}`}
          >
            <RowView row={row} />
          </article>
        )}
      </VList>
      {(isLoadingOlder || olderError) && (
        <div className="pointer-events-none absolute inset-x-0 top-2 flex justify-center">
          <div className="bg-raised border-line text-ink-soft shadow-raised pointer-events-auto flex items-center gap-2 rounded-full border px-3 py-1 text-xs">
            {olderError ? (
              <>
                {olderError}
                <button type="button" className="text-accent font-medium" onClick={() => void client.loadOlder()}>
                  Try again
                </button>
              </>
            ) : (
              <Spinner label="Loading earlier entries" />
            )}
          </div>
        </div>
      )}
      {seenSeq !== null && (
        <button
          type="button"
          onClick={toEnd}
          className="bg-accent text-accent-ink shadow-raised absolute bottom-4 left-1/2 flex h-8 -translate-x-1/2 items-center gap-1.5 rounded-full px-3.5 text-xs font-medium"
        >
          {newer > 0 ? `${newer.toLocaleString("en")} new` : "Latest"}
          <Icon name="arrowDown" size={14} />
        </button>
      )}
    </div>
  );
}

/** Older pages until entry `seq` is among them; false where they do not come. */
async function readBackTo(client: SessionClient, seq: number): Promise<boolean> {
  for (;;) {
    const { from } = client.store.getState().session;
    if (from <= seq) return true;
    await client.loadOlder();
    if (client.store.getState().session.from === from) return false;
  }
}

/** How many of the last rows came after `seq`: counted from the end, where they are. */
function countAfter(rows: readonly Row[], seq: number): number {
  let count = 0;
  while (count < rows.length && (rows[rows.length - 1 - count]?.seq ?? 0) > seq) count += 1;
  return count;
}

function Loading() {
  return (
    <div role="status" aria-label="Loading the transcript" className="mx-auto w-full max-w-4xl space-y-4 px-5 py-5">
      <Bone className="h-16" />
      {["w-2/3", "w-1/2", "w-3/4"].map((width) => (
        <Bone key={width} className={`h-4 ${width}`} />
      ))}
      <Bone className="h-28" />
      <Bone className="h-4 w-1/3" />
    </div>
  );
}
