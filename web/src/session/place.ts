/**
 * Where this person is in the session: which surface, which file in which version, which line on top. Each surface says
 * so with `useReportPlace`; the server is told; `goTo` brings this page to any such place, of this person or another.
 */
import { createContext, useContext, useEffect, useMemo, useRef } from "react";
import { createStore, type StoreApi } from "zustand/vanilla";
import { isOwnMove } from "~/follow/input";
import type { Viewport } from "~/protocol.gen";
import type { SessionClient } from "./client";

/** As it is sent: a line and a part of it mean the same on every screen, pixels do not. */
export type Place = Viewport;
export type Surface = Place["surface"];

/** Brings a surface that is in sight to `place`. Returns false when it cannot: the file is not shared, the entry not there. */
export type Go = (place: Place) => boolean | Promise<boolean>;

export class Places {
  readonly store: StoreApi<{ place: Place | null }> = createStore(() => ({ place: null }));
  private readonly ways = new Map<Surface, Go>();
  private readonly listeners = new Set<(place: Place | null) => void>();

  constructor(private readonly look: (place: Place) => void) {}

  get current(): Place | null {
    return this.store.getState().place;
  }

  /** This person sees `place` now, for whatever reason. */
  report(place: Place): void {
    if (samePlace(this.current, place)) return;
    this.store.setState({ place });
    this.look(place);
  }

  /** How to get to places on `surface`. Returns what takes it back. */
  serve(surface: Surface, go: Go): () => void {
    this.ways.set(surface, go);
    return () => {
      if (this.ways.get(surface) === go) this.ways.delete(surface);
    };
  }

  /** Resolves false where nothing leads there. */
  async goTo(place: Place): Promise<boolean> {
    const go = this.ways.get(place.surface);
    return go ? await go(place) : false;
  }

  /** Hears of what this person does by hand (scroll, click, key) on any surface: whoever follows stops then. */
  onOwnMove(hear: (place: Place | null) => void): () => void {
    this.listeners.add(hear);
    return () => this.listeners.delete(hear);
  }

  /** A surface was moved by hand, or another was chosen. */
  moved(place: Place | null = this.current): void {
    for (const hear of this.listeners) hear(place);
  }
}

export function samePlace(a: Place | null, b: Place | null): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  return (Object.keys(b) as (keyof Place)[]).every((name) => a[name] === b[name]);
}

export const placesOf = (client: SessionClient) => new Places((viewport) => client.look({ viewport }));

const PlacesContext = createContext<Places | null>(null);
export const PlacesProvider = PlacesContext;

export function usePlaces(): Places {
  const places = useContext(PlacesContext);
  if (!places) throw new Error("This component stands outside of a session.");
  return places;
}

/** Says that this person sees `place` while it is not null. */
export function useReportPlace(place: Place | null): void {
  const places = usePlaces();
  useEffect(() => {
    if (place) places.report(place);
  }, [places, place]);
}

/** What an element has to hear so that moves by hand on it are known as such. */
export function useOwnMoves() {
  const places = usePlaces();
  return useMemo(() => {
    const moved = ({ nativeEvent }: { nativeEvent: Event }) => {
      if (isOwnMove(nativeEvent)) places.moved();
    };
    return { onWheelCapture: moved, onTouchMoveCapture: moved, onPointerDownCapture: moved, onKeyDownCapture: moved };
  }, [places]);
}

/** Leads to places on `surface` while the component stands. */
export function useServePlace(surface: Surface, go: Go): void {
  const places = usePlaces();
  const latest = useRef(go);
  useEffect(() => {
    latest.current = go;
  });
  useEffect(() => places.serve(surface, (place) => latest.current(place)), [places, surface]);
}
