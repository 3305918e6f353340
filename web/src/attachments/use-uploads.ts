/** The files of a draft: sent to the server as soon as they are chosen, and remembered with the draft once they are there. */
import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "~/api/http";
import { upload } from "~/api/uploads";
import { remember, remembered } from "~/lib/storage";
import type { MessageFile } from "~/protocol.gen";
import { MAX_FILE_BYTES, MAX_FILES, sizeInWords } from "./sizes";

export interface Upload {
  id: string;
  name: string;
  size: number;
  /** The share that is sent, 0 to 1. */
  progress: number;
  /** What the server holds; null until then. */
  file: MessageFile | null;
  /** Why it is not there. `source` is what can be sent again. */
  error: string | null;
  source: File | null;
}

export interface Uploads {
  items: readonly Upload[];
  /** What was not even tried, in words. */
  refusal: string | null;
  add: (files: readonly File[]) => void;
  retry: (id: string) => void;
  remove: (id: string) => void;
  /** They went with a message. */
  clear: () => void;
}

export function useUploads(sessionId: string, draftName: string): Uploads {
  const name = `${draftName}.files`;
  const [items, setItems] = useState<readonly Upload[]>(() => restored(name));
  const [refusal, refuse] = useState<string | null>(null);
  const running = useRef(new Map<string, AbortController>());
  useEffect(() => {
    const held = items.flatMap((item) => item.file ?? []);
    remember(name, held.length > 0 ? JSON.stringify(held) : null);
  }, [name, items]);
  useEffect(() => {
    const all = running.current;
    return () => all.forEach((controller) => controller.abort());
  }, []);

  const patch = useCallback((id: string, change: Partial<Upload>) => {
    setItems((before) => before.map((item) => (item.id === id ? { ...item, ...change } : item)));
  }, []);
  const begin = useCallback(
    (id: string, source: File) => {
      const controller = new AbortController();
      running.current.set(id, controller);
      upload(sessionId, source, (progress) => patch(id, { progress }), controller.signal)
        .then(
          (file) => patch(id, { file, name: file.name, progress: 1, error: null }),
          (error: unknown) => {
            if (!(error instanceof ApiError)) throw error;
            patch(id, { error: error.message });
          },
        )
        .finally(() => running.current.delete(id));
    },
    [sessionId, patch],
  );

  const add = (files: readonly File[]) => {
    const { fitting, words } = sorted(files, items.length);
    refuse(words);
    const fresh = fitting.map((source) => ({ ...waiting(source.name || "file", source.size), source }));
    setItems((before) => [...before, ...fresh]);
    for (const { id, source } of fresh) begin(id, source);
  };
  const retry = (id: string) => {
    const source = items.find((item) => item.id === id)?.source;
    if (!source) return;
    patch(id, { error: null, progress: 0 });
    begin(id, source);
  };
  const remove = (id: string) => {
    running.current.get(id)?.abort();
    refuse(null);
    setItems((before) => before.filter((item) => item.id !== id));
  };
  const clear = () => {
    refuse(null);
    setItems([]);
  };
  return { items, refusal, add, retry, remove, clear };
}

let count = 0;

function waiting(name: string, size: number): Upload {
  count += 1;
  return { id: `upload-${count}`, name, size, progress: 0, file: null, error: null, source: null };
}

/** Those that fit, and in words why the others do not. */
export function sorted(files: readonly File[], held: number): { fitting: File[]; words: string | null } {
  const room = files.filter((file) => file.size > 0 && file.size <= MAX_FILE_BYTES);
  const odd = files.find((file) => !room.includes(file));
  const fitting = room.slice(0, Math.max(0, MAX_FILES - held));
  if (fitting.length < room.length) return { fitting, words: `${MAX_FILES} files fit into one message.` };
  if (!odd) return { fitting, words: null };
  const why = odd.size === 0 ? "is empty, or a folder" : `has ${sizeInWords(odd.size)}; ${sizeInWords(MAX_FILE_BYTES)} fit`;
  return { fitting, words: `${odd.name} ${why}.` };
}

function restored(name: string): Upload[] {
  try {
    const held = JSON.parse(remembered(name) ?? "[]") as MessageFile[];
    return held.map((file) => ({ ...waiting(file.name, file.size), progress: 1, file }));
  } catch {
    // Cut short when the browser died: the files can be chosen again.
    return [];
  }
}
