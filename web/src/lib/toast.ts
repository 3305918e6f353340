/** One short line over whatever page is shown, for what happened on the way to it. */
import { createStore } from "zustand/vanilla";

export const toast = createStore<{ text: string | null }>(() => ({ text: null }));

export const say = (text: string | null): void => toast.setState({ text });
