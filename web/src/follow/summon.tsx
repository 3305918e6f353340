/** A host asks everybody to come along: a question beside the work, gone after half a minute; nobody is moved. */
import { useEffect, useState } from "react";
import { useSession } from "~/session/context";
import { Avatar } from "~/ui/avatar";
import { Button } from "~/ui/controls";
import { rootOf } from "./chain";
import { useFollower, useFollowing } from "./context";

/** Milliseconds. */
const ASKED_FOR = 30_000;

export function SummonPrompt() {
  const summons = useSession((state) => state.summons);
  const isThere = useSession((state) => summons !== null && state.presence.has(summons.by.user_id));
  const leaderId = useFollowing((state) => state.leaderId);
  const rootId = useSession((state) =>
    leaderId === null ? null : (rootOf(state.presence, leaderId, state.you?.user_id ?? null)?.user_id ?? leaderId),
  );
  const follower = useFollower();
  const [answered, setAnswered] = useState<number | null>(null);
  const nonce = summons?.nonce ?? null;
  useEffect(() => {
    if (nonce === null) return;
    const id = setTimeout(() => setAnswered(nonce), ASKED_FOR);
    return () => clearTimeout(id);
  }, [nonce]);
  // Whoever is led there already, by whatever chain, need not be asked.
  const isOpen = summons !== null && summons.nonce !== answered && isThere && rootId !== summons.by.user_id;
  const by = isOpen ? summons.by : null;
  return (
    <>
      <div role="status" aria-label="Requests" className="sr-only">
        {by ? `${by.username} asks you to come along. The buttons are Come along and Not now.` : ""}
      </div>
      {by && (
        <div className="pointer-events-none absolute inset-x-0 top-11 z-30 flex justify-center px-3">
          <div
            role="group"
            aria-label={`${by.username} asks you to come along`}
            className="bg-raised border-line shadow-raised pointer-events-auto flex max-w-full flex-wrap items-center gap-x-3 gap-y-2 rounded-card border py-2.5 pr-2.5 pl-3.5"
          >
            <Avatar name={by.username} color={by.color} size={26} />
            <span className="min-w-0 flex-1 text-sm">
              <strong className="font-semibold">{by.username}</strong> asks you to come along
            </span>
            <span className="ml-auto flex gap-1.5">
              <Button size="sm" look="ghost" onClick={() => setAnswered(nonce)}>
                Not now
              </Button>
              <Button
                size="sm"
                look="primary"
                onClick={() => {
                  setAnswered(nonce);
                  follower.follow(by.user_id);
                }}
              >
                Come along
              </Button>
            </span>
          </div>
        </div>
      )}
    </>
  );
}
