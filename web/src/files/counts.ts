/** How many lines each changed file gained and lost since it was first shared: counted here, from its contents. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { FileView } from "~/session/protocol";
import { lineChanges, textOf } from "./changes";
import { contentOf } from "./data";

interface Counts {
  added: number;
  removed: number;
}

/** Contents are read for at most so many files, none larger than this, in bytes: counts are a help, not a promise. */
const MOST_FILES = 100;
const LARGEST = 200_000;

const known = new Map<string, Counts>();
const pairOf = (file: FileView) => `${file.base_version} ${file.version}`;

function isCountable(file: FileView): boolean {
  return file.change !== "unchanged" && !file.is_binary && file.size <= LARGEST && (file.version ?? file.base_version) !== null;
}

export function useLineCounts(id: string, files: readonly FileView[]): ReadonlyMap<string, Counts> {
  const queries = useQueryClient();
  const [, setKnown] = useState(0);
  const wanted = files.filter(isCountable).slice(0, MOST_FILES);
  const shape = wanted.map(pairOf).join("\n");
  useEffect(() => {
    let isShown = true;
    const text = async (version: string | null) =>
      textOf(version === null ? "" : await queries.ensureQueryData(contentOf(id, version)));
    // One after the other: what somebody opens meanwhile must not wait behind all of them.
    const count = async () => {
      for (const file of wanted) {
        if (!isShown) return;
        if (known.has(pairOf(file))) continue;
        try {
          const { added, removed } = lineChanges(await text(file.base_version), await text(file.version));
          known.set(pairOf(file), { added, removed });
          if (isShown) setKnown((value) => value + 1);
        } catch (error) {
          console.warn(`The changes of ${file.path} could not be counted.`, error);
          return;
        }
      }
    };
    void count();
    return () => {
      isShown = false;
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- `shape` stands for `wanted`
  }, [queries, id, shape]);
  return new Map(
    wanted.flatMap((file) => {
      const counts = known.get(pairOf(file));
      return counts ? [[file.path, counts] as const] : [];
    }),
  );
}
