/** Ways into the file surface from elsewhere on the page: links in texts, the address, and following somebody. */
import { useCallback, useEffect } from "react";
import { isSameFile } from "~/code/file-refs";
import type { FilePlace } from "~/code/file-refs";
import { useClient } from "~/session/context";
import { type Place, useServePlace } from "~/session/place";
import { type DeskState, useDeskState, type Wish } from "./desk";
import { readHash, toHash } from "./link";

/** Shows a shared file; false where no such file is shared, as far as this page knows. */
export type ShowFile = (file: string, place?: FilePlace) => boolean;

interface Way {
  /** Brings the surface into sight. */
  onShow: () => void;
  isShown: boolean;
  /** Paths that the server listed, beside those that the log told of. */
  listed: readonly string[];
}

export function useOpening({ onShow, isShown, listed }: Way): ShowFile {
  const desk = useDeskState();
  const client = useClient();

  const pathOf = useCallback(
    (file: string): string | null => {
      const told = client.store.getState().session.sharedFiles;
      const paths = [...new Set([...listed, ...told.keys()])];
      return paths.find((path) => path === file) ?? paths.find((path) => isSameFile(path, file) || isSameFile(file, path)) ?? null;
    },
    [client, listed],
  );
  const open = useCallback(
    (file: string, wish: Wish) => {
      onShow();
      desk.open(file, wish);
    },
    [desk, onShow],
  );

  useHash(desk, open);
  useAddress(desk, isShown);
  // Whoever is led to the newest version stays with the newest when a newer one comes.
  const newest = useCallback((path: string) => client.store.getState().session.sharedFiles.get(path)?.version ?? null, [client]);
  useServePlace("file", (place) => follow(place, "file", pathOf, newest, open));
  useServePlace("diff", (place) => follow(place, "diff", pathOf, newest, open));

  return useCallback(
    (file, place = {}) => {
      const path = pathOf(file);
      if (path === null) return false;
      open(path, { mode: "file", ...place });
      return true;
    },
    [pathOf, open],
  );
}

/** The address leads to a line when the page opens and when somebody changes it. */
function useHash(desk: DeskState, open: (file: string, wish: Wish) => void): void {
  useEffect(() => {
    const read = () => {
      const address = readHash(location.hash);
      if (address) open(address.file, address);
    };
    read();
    window.addEventListener("hashchange", read);
    return () => window.removeEventListener("hashchange", read);
  }, [desk, open]);
}

/** What is open stands in the address, so that it can be copied and a reload comes back to it. */
function useAddress(desk: DeskState, isShown: boolean): void {
  useEffect(() => {
    const write = () => {
      const { file, version, pointed } = desk.store.getState();
      const { line, end_line } = pointed ?? { line: null, end_line: null };
      const hash = isShown && file !== null ? toHash({ file, line, end_line, version }) : "";
      if (location.hash !== hash) history.replaceState(history.state, "", hash || location.pathname + location.search);
    };
    write();
    return desk.store.subscribe(write);
  }, [desk, isShown]);
}

function follow(
  place: Place,
  mode: "file" | "diff",
  pathOf: (file: string) => string | null,
  newest: (path: string) => string | null,
  open: (file: string, wish: Wish) => void,
): boolean {
  const path = place.file === null ? null : pathOf(place.file);
  if (path === null) return false;
  const { top_line: line, fraction, base_version: base } = place;
  const version = place.version === newest(path) ? null : place.version;
  open(path, { mode, line, fraction, version, base });
  return true;
}
