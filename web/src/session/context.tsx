/** The session of this page, for every component in it. */
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { useStore } from "zustand";
import { createStore, type StoreApi } from "zustand/vanilla";
import { api } from "~/api/cosession";
import { type ClientState, SessionClient } from "./client";
import type { SessionState } from "./state";
import { browserWorld } from "./world";

interface Folds {
  /** What a person opened or closed, by row; the rest follows its default. */
  isOpen: Readonly<Record<string, boolean>>;
}

interface Room {
  client: SessionClient;
  folds: StoreApi<Folds>;
}

const RoomContext = createContext<Room | null>(null);

/** A session of this browser with this server. */
export function SessionProvider({ id, userId, children }: { id: string; userId: string; children: ReactNode }) {
  const [client] = useState(
    () =>
      new SessionClient({
        sessionId: id,
        userId,
        origin: location.origin.replace(/^http/, "ws"),
        world: browserWorld,
        history: api,
        shelf: localStorage,
        newId,
      }),
  );
  return <ClientProvider client={client}>{children}</ClientProvider>;
}

/** Starts `client` and gives it to what stands inside. */
export function ClientProvider({ client, children }: { client: SessionClient; children: ReactNode }) {
  const [room] = useState<Room>(() => ({ client, folds: createStore<Folds>(() => ({ isOpen: {} })) }));
  useEffect(() => {
    room.client.start();
    return () => room.client.stop();
  }, [room]);
  return <RoomContext value={room}>{children}</RoomContext>;
}

function useRoom(): Room {
  const room = useContext(RoomContext);
  if (!room) throw new Error("This component stands outside of a session.");
  return room;
}

export const useClient = (): SessionClient => useRoom().client;

export function useClientState<T>(select: (state: ClientState) => T): T {
  return useStore(useRoom().client.store, select);
}

export function useSession<T>(select: (state: SessionState) => T): T {
  return useStore(useRoom().client.store, (state) => select(state.session));
}

/** Whether a row is open. Kept outside of the row, which the list takes down when it scrolls away. */
export function useFold(key: string, byDefault: boolean): [isOpen: boolean, toggle: () => void] {
  const { folds } = useRoom();
  const isOpen = useStore(folds, (state) => state.isOpen[key] ?? byDefault);
  return [isOpen, () => folds.setState((state) => ({ isOpen: { ...state.isOpen, [key]: !isOpen } }))];
}

/** `crypto.randomUUID` exists on HTTPS and localhost only; on a plain LAN address its parts still do. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
