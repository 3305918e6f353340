/**
 * What lies open on this person's desk: which file, in which version, as text or as a diff, at which line. One per
 * session page, so that links from chat and transcript, the tree and the viewer speak of the same thing.
 */
import { createContext, useContext } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";
import { remember, remembered } from "~/lib/storage";

/** A line to bring into sight. `nonce` differs each time, so that the same line can be asked for again. */
export interface Aim {
  line: number;
  end_line: number | null;
  /** How much of the line is scrolled away, 0 to 1; null: the line is put in the upper third instead. */
  fraction: number | null;
  nonce: number;
}

export interface Desk {
  file: string | null;
  mode: "file" | "diff";
  /** Null: the newest, and every newer one as it comes. */
  version: string | null;
  /** What a diff starts from. Null: the file as it was first shared. */
  base: string | null;
  aim: Aim | null;
  /** The lines that the address names: those of a link, or those whose number was clicked. */
  pointed: { line: number; end_line: number | null } | null;
  /** A thread to show and open. */
  thread: { id: string; nonce: number } | null;
  side: "files" | "comments";
}

export interface Wish {
  line?: number | null;
  end_line?: number | null;
  fraction?: number | null;
  version?: string | null;
  base?: string | null;
  mode?: "file" | "diff";
  thread?: string | null;
}

export class DeskState {
  readonly store: StoreApi<Desk> = createStore(() => ({
    file: null,
    mode: "file",
    version: null,
    base: null,
    aim: null,
    pointed: null,
    thread: null,
    side: "files",
  }));
  private nonce = 0;

  /** Opens `file`. What `wish` does not name starts anew: the newest version, as text, from its top. */
  open(file: string, wish: Wish = {}): void {
    this.nonce += 1;
    const { nonce } = this;
    const { line, end_line = null, fraction = null, thread } = wish;
    this.store.setState((desk) => ({
      file,
      mode: wish.mode ?? (file === desk.file ? desk.mode : "file"),
      version: wish.version ?? null,
      base: wish.base ?? null,
      aim: line ? { line, end_line, fraction, nonce } : null,
      // Where somebody else leads is no place of one's own to come back to.
      pointed: line && fraction === null ? { line, end_line } : null,
      thread: thread ? { id: thread, nonce } : null,
    }));
  }

  /** Changes how the open file is shown, and keeps the place in it. */
  show(change: Partial<Pick<Desk, "mode" | "version" | "base" | "side">>): void {
    this.store.setState({ ...change, aim: null });
  }

  /** Lines were pointed at in the open file itself. */
  point(line: number, end_line: number): void {
    this.store.setState({ pointed: { line, end_line } });
  }

  close(): void {
    this.store.setState({ file: null, aim: null, pointed: null, thread: null });
  }
}

const DeskContext = createContext<DeskState | null>(null);
export const DeskProvider = DeskContext;

export function useDeskState(): DeskState {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error("This component stands outside of a session.");
  return desk;
}

export function useDesk<T>(select: (desk: Desk) => T): T {
  return useStore(useDeskState().store, select);
}

// ── How this person likes it, on every desk ───────────────────────────────────────────────────────────────────────

interface Likes {
  wraps: boolean;
  isSplit: boolean;
  onlyChanged: boolean;
  hasTree: boolean;
}

const kept = (name: string, byDefault: boolean) => (remembered(`cosession.files.${name}`) ?? String(byDefault)) === "true";

const likes = createStore<Likes>(() => ({
  // On a phone most lines are longer than the screen.
  wraps: kept("wraps", typeof matchMedia === "function" && matchMedia("(max-width: 40rem)").matches),
  isSplit: kept("isSplit", true),
  onlyChanged: kept("onlyChanged", false),
  hasTree: kept("hasTree", true),
}));

export function useLike(name: keyof Likes): [boolean, (value: boolean) => void] {
  const value = useStore(likes, (all) => all[name]);
  return [
    value,
    (next) => {
      remember(`cosession.files.${name}`, String(next));
      likes.setState({ [name]: next });
    },
  ];
}
