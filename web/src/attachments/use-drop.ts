/** Files that are dropped anywhere on the part of the page that a composer stands in are the composer's. */
import { type RefObject, useEffect, useRef, useState } from "react";

/** True while files are held over it. */
export function useDrop(inside: RefObject<HTMLElement | null>, take: (files: readonly File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  const taker = useRef(take);
  useEffect(() => {
    taker.current = take;
  });
  useEffect(() => {
    const area = inside.current?.closest("section") ?? inside.current;
    if (!area) return;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!area.contains(event.relatedTarget as Node | null)) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      taker.current([...(event.dataTransfer?.files ?? [])]);
    };
    area.addEventListener("dragover", over);
    area.addEventListener("dragleave", leave);
    area.addEventListener("drop", drop);
    return () => {
      area.removeEventListener("dragover", over);
      area.removeEventListener("dragleave", leave);
      area.removeEventListener("drop", drop);
    };
  }, [inside]);
  return isOver;
}
