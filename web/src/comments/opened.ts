/** Which resolved threads somebody has opened. Resolving one folds it again, whoever does it. */
import { useEffect, useRef, useState } from "react";
import type { ShownThread } from "./threads";

export interface Wanted {
  id: string;
  nonce: number;
}

const stateOf = (thread: ShownThread) => `${thread.id} ${thread.updated_seq}`;

/** `wanted`: the thread that a link led to is open. */
export function useOpened(
  threads: readonly ShownThread[],
  wanted: Wanted | null,
): { isOpen: (thread: ShownThread) => boolean; toggle: (thread: ShownThread) => void } {
  const [opened, setOpened] = useState<Readonly<Record<string, boolean>>>({});
  const led = useRef(0);
  const found = wanted ? threads.find((thread) => thread.id === wanted.id) : undefined;
  useEffect(() => {
    if (!wanted || !found || led.current === wanted.nonce) return;
    led.current = wanted.nonce;
    setOpened((all) => ({ ...all, [stateOf(found)]: true }));
  }, [wanted, found]);
  return {
    isOpen: (thread) => opened[stateOf(thread)] ?? false,
    toggle: (thread) => setOpened((all) => ({ ...all, [stateOf(thread)]: !(all[stateOf(thread)] ?? false) })),
  };
}
