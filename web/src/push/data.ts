/** A person's browsers that take pushes, and what can be done about them. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { say } from "~/lib/toast";
import { browsers, removeBrowser, sendTest, switchOff, switchOn } from "./browser";

export const PUSH = ["push"];

export function usePush() {
  return useQuery({ queryKey: PUSH, queryFn: ({ signal }) => browsers(signal) });
}

export function usePushDeeds(userId: string) {
  const queries = useQueryClient();
  // Which ways lead to somebody is another then, too.
  const onSettled = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: PUSH }),
      queries.invalidateQueries({ queryKey: ["notification preferences"] }),
    ]);
  const on = useMutation({ mutationFn: (publicKey: string) => switchOn(userId, publicKey), onSettled });
  const off = useMutation({ mutationFn: (id?: string) => switchOff(id), onSettled });
  const remove = useMutation({ mutationFn: removeBrowser, onSettled, onError: (error) => say(error.message) });
  const test = useMutation({ mutationFn: sendTest });
  return { on, off, remove, test };
}
